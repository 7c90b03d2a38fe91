"""Hostile input over three worker processes: one dead letter, one error answer, and nobody is harmed.

Everything in `poison.py` is published once, with an ordinary request after each piece, and the workers run
until the queue is empty. Then every test looks at one part of what was left behind.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import RawStreamMsg

from memebattle.cli.children import stopping
from memebattle.cli.client import MemeClient, Received
from memebattle.cli.local import NatsServer, RedisServer
from tests.fleet import Fleet, fleet, stored_answers
from tests.integration.poison import (
    HOSTILE,
    ODD,
    RAW_HEADERS,
    STOLEN_REPLY,
    Hostile,
    Odd,
    RawHeaders,
    encoded,
)
from tests.waiting import wait_until

WORKERS = 3
MAX_SECONDS = 20
MAX_DELIVERIES = 3

UNREADABLE = [raw for raw in RAW_HEADERS if not raw.readable]
READABLE = [raw for raw in RAW_HEADERS if raw.readable]


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was left when the queue was empty."""

    sequences: dict[str, int]  # name of a hostile message -> its place in the stream
    ordinary: list[str]  # ids of the requests in between
    answers: dict[str, list[Received]]
    stored: dict[str, int]
    dead: list[RawStreamMsg]
    seconds: float
    unparsed_headers: float
    exit_codes: list[int]
    logs: str

    def answer(self, request_id: str) -> Received:
        """The one answer, heard and stored once."""
        heard = self.answers.get(request_id, [])
        assert (len(heard), self.stored.get(request_id, 0)) == (1, 1), f"{request_id} heard, stored"
        return heard[0]

    def letter(self, sequence: int) -> RawStreamMsg:
        """The one dead letter of this message."""
        found = [letter for letter in self.dead if _header(letter, "Mb-Sequence") == str(sequence)]
        assert len(found) == 1
        return found[0]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """The whole attack, once."""
    return asyncio.run(_attack(tmp_path_factory.mktemp("poison")))


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_body_is_one_dead_letter_and_one_error(hostile: Hostile, aftermath: Aftermath) -> None:
    """The letter says why and carries the original bytes; the error has its id, or an assigned one."""
    sequence = aftermath.sequences[hostile.name]
    letter = aftermath.letter(sequence)
    answer = aftermath.answer(hostile.answered_as or f"js-MEMES-{sequence}")

    assert _header(letter, "Mb-Reason") == hostile.reason
    assert (letter.data or b"") == hostile.body[: 512 * 1024]
    assert int(_header(letter, "Mb-Deliveries")) <= MAX_DELIVERIES
    assert (answer.message["code"], answer.message["retryable"]) == ("invalid_request", False)
    assert 0 < len(answer.message["error"]) <= 500


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_an_odd_request_is_answered_like_any_other(odd: Odd, aftermath: Aftermath) -> None:
    answer = aftermath.answer(odd.request_id)

    assert answer.ok
    assert answer.message["prompt"] == odd.heard_as


@pytest.mark.parametrize("raw", READABLE, ids=lambda raw: raw.name)
def test_a_forged_status_line_does_not_pass_for_the_server_s(raw: RawHeaders, aftermath: Aftermath) -> None:
    """A stored message is a request, whatever its headers pretend."""
    assert aftermath.answer(raw.request_id).ok


@pytest.mark.parametrize("raw", UNREADABLE, ids=lambda raw: raw.name)
def test_unreadable_headers_are_one_dead_letter_and_one_error(raw: RawHeaders, aftermath: Aftermath) -> None:
    """They ended the read loop of the client library, silently."""
    letters = [letter for letter in aftermath.dead if letter.data == raw.body]

    assert [_header(letter, "Mb-Reason") for letter in letters] == ["malformed_headers"]
    assert aftermath.answer(raw.request_id).message["code"] == "invalid_request"


def test_ordinary_requests_in_between_are_answered(aftermath: Aftermath) -> None:
    assert [aftermath.answer(request_id).ok for request_id in aftermath.ordinary] == [True] * 60


def test_nothing_else_is_answered_or_put_aside(aftermath: Aftermath) -> None:
    """One answer for each of the 120 messages, one dead letter for each of the bad ones."""
    assert len(aftermath.stored) == len(HOSTILE) + len(ODD) + len(RAW_HEADERS) + len(aftermath.ordinary)
    assert aftermath.answers.keys() == aftermath.stored.keys()
    assert len(aftermath.dead) == len(HOSTILE) + len(UNREADABLE)


def test_a_reply_to_header_has_no_effect(aftermath: Aftermath) -> None:
    """FastStream's JetStream parser takes it for the reply subject; a worker may publish on this one."""
    assert STOLEN_REPLY.split(".")[2] not in aftermath.stored
    assert "Permissions Violation" not in aftermath.logs


def test_the_workers_are_unharmed(aftermath: Aftermath) -> None:
    """The queue was empty in time, nobody lost the connection, everybody stops as told."""
    assert aftermath.seconds < MAX_SECONDS
    assert aftermath.exit_codes == [0] * WORKERS
    assert "NATS disconnected" not in aftermath.logs
    assert "Handling failed" not in aftermath.logs
    assert aftermath.unparsed_headers >= 3  # two Core copies and a stored one


def test_hostile_text_stays_out_of_the_logs(aftermath: Aftermath) -> None:
    """Each line is one JSON object, without terminal commands or bodies of any length."""
    lines = [line for line in aftermath.logs.splitlines() if line]

    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert "\x1b" not in aftermath.logs
    assert max(map(len, lines)) < 5000


async def _attack(directory: Path) -> Aftermath:
    server, redis = NatsServer(directory / "nats"), RedisServer(directory / "redis")
    async with stopping(server.child, redis.child):
        await asyncio.gather(server.start(), redis.start())
        async with fleet(_environment(server, redis), directory, WORKERS) as workers:
            developer = await nats.connect(server.url())
            async with MemeClient(developer).listening() as client:
                return await _attack_with(server, workers, developer, client)


async def _attack_with(
    server: NatsServer, workers: Fleet, developer: Client, client: MemeClient
) -> Aftermath:
    started = time.monotonic()
    sequences, ordinary = await _publish_everything(server, developer)
    await wait_until(lambda: _drained(developer), "the queue to drain", 2 * MAX_SECONDS)
    seconds = time.monotonic() - started
    unparsed = await workers.metric("memebattle_malformed_headers_total")
    exit_codes = await workers.stop()
    stored, dead = await stored_answers(developer), await _dead_letters(developer)
    await developer.close()
    return Aftermath(
        sequences, ordinary, client.answers, stored, dead, seconds, unparsed, exit_codes, workers.logs()
    )


async def _publish_everything(server: NatsServer, developer: Client) -> tuple[dict[str, int], list[str]]:
    """Places in the stream of the hostile bodies, and ids of the ordinary requests."""
    js, sequences, ordinary = developer.jetstream(), dict[str, int](), list[str]()
    for strange in (*HOSTILE, *ODD, *RAW_HEADERS):
        if isinstance(strange, RawHeaders):
            await _publish_raw(server, strange)
        else:
            ack = await js.publish("meme.request", strange.body, headers=strange.headers or None)
            sequences[strange.name] = ack.seq
        request_id = f"ordinary-{len(ordinary)}"
        ordinary.append(request_id)
        prompt = f"ordinary {len(ordinary) % 5}"
        await js.publish("meme.request", encoded(id=request_id, prompt=prompt, small_image=True))
    return sequences, ordinary


async def _publish_raw(server: NatsServer, raw: RawHeaders) -> None:
    """HPUB by hand, as a user with the right to publish requests and little else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    credentials = {"user": "gateway", "pass": server.passwords["gateway"], "headers": True, "verbose": False}
    writer.write(b"CONNECT " + json.dumps(credentials).encode() + b"\r\n")
    size = len(raw.block)
    writer.write(
        b"HPUB meme.request %d %d\r\n" % (size, size + len(raw.body)) + raw.block + raw.body + b"\r\n"
    )
    writer.write(b"PING\r\n")
    said = await reader.readuntil(b"PONG\r\n")
    assert b"-ERR" not in said
    writer.close()
    await writer.wait_closed()


def _environment(server: NatsServer, redis: RedisServer) -> dict[str, str]:
    """A worker as in production, with a short ACK_WAIT: what got stuck comes again within the test."""
    return {
        "NATS_URL": server.url("worker"),
        "NATS_INBOX_PREFIX": "_INBOX_worker",
        "REDIS_URL": redis.url,
        "IMAGE_PROVIDER": "artist",
        "ACK_WAIT": "3",
    }


async def _drained(client: Client) -> bool:
    info = await client.jetstream().consumer_info("MEMES", "meme-generator")
    return info.num_pending == info.num_ack_pending == 0


async def _dead_letters(client: Client) -> list[RawStreamMsg]:
    js = client.jetstream()
    last = (await js.stream_info("DEAD_LETTERS")).state.last_seq
    return [await js.get_msg("DEAD_LETTERS", sequence) for sequence in range(1, last + 1)]


def _header(letter: RawStreamMsg, name: str) -> str:
    return (letter.headers or {})[name]
