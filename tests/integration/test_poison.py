"""Hostile input over three worker processes: one dead letter, one error answer, and nobody is harmed.

Everything in `poison.py` is published once, with an ordinary request after each piece, and the workers run
until the queue is empty. Then every test looks at one part of what was left behind.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import RawStreamMsg

from memebattle.cli.client import MemeClient, Received
from memebattle.cli.local import NatsServer, RedisServer, stopping
from tests.fleet import Fleet, fleet, stored_answers
from tests.integration.poison import HOSTILE, ODD, RAW_HEADERS, STOLEN_REPLY, Hostile, Odd, RawHeaders, encoded
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
    lag: int
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
    """The letter says why and carries the original bytes; the error has the sender's id or an assigned one."""
    sequence = aftermath.sequences[hostile.name]
    letter = aftermath.letter(sequence)
    answer = aftermath.answer(hostile.answered_as or f"js-MEMES-{sequence}")

    assert _header(letter, "Mb-Reason") == hostile.reason
    assert letter.data == hostile.body[: 512 * 1024]
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
    """The queue is empty in time, nobody lost the connection, everybody stops as told."""
    assert aftermath.lag == 0
    assert aftermath.seconds < MAX_SECONDS
    assert aftermath.exit_codes == [0] * WORKERS
    assert "NATS disconnected" not in aftermath.logs
    assert "Handling failed" not in aftermath.logs
    assert aftermath.unparsed_headers >= len(UNREADABLE)


def test_hostile_text_stays_out_of_the_logs(aftermath: Aftermath) -> None:
    """Each line is one JSON object, without terminal commands or bodies of any length."""
    lines = aftermath.logs.splitlines()

    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert "\x1b" not in aftermath.logs
    assert max(map(len, lines)) < 5000


async def _attack(directory: Path) -> Aftermath:
    async with _servers(directory) as server, fleet(_environment(server), directory, WORKERS) as workers:
        developer = await nats.connect(server[0].url())
        async with MemeClient(developer).listening() as client:
            started = time.monotonic()
            sequences, ordinary = await _publish_everything(server[0], developer)
            lag = await wait_until(lambda: _drained(developer), "the queue to drain", 2 * MAX_SECONDS)
            seconds = time.monotonic() - started
            await developer.flush()
            left = await _dead_letters(developer), await stored_answers(developer)
        unparsed = await workers.metric("memebattle_malformed_headers_total")
        await developer.close()
        return Aftermath(
            sequences=sequences,
            ordinary=ordinary,
            answers=client.answers,
            stored=left[1],
            dead=left[0],
            lag=int(lag),
            seconds=seconds,
            unparsed_headers=unparsed,
            exit_codes=await workers.stop(),
            logs=workers.logs(),
        )
