"""What becomes of a request whose provider fails: later, never, or not at all.

A worker in this process on real servers, with a HuggingFace of our own that fails as told. A failed flight is
remembered for three seconds for everybody who asks for the same picture, so a provider that asks us to come
back after three is called exactly twice.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from PIL import Image

from memebattle.bootstrap.meme_house import MemeParts
from memebattle.cli.children import stopping
from memebattle.cli.client import MemeClient
from memebattle.cli.fake_hf import FakeHuggingFace, Manners
from memebattle.cli.fake_hf.pictures import Order
from memebattle.cli.local import NatsServer, RedisServer
from memebattle.generation.registry import open_image_model
from memebattle.settings import Settings
from memebattle.worker import create_app
from tests.fleet import body, stored_answers
from tests.waiting import wait_until

FINE = Manners(encoding="WEBP", size=256)
MIB = 1024 * 1024


class Censor(FakeHuggingFace):
    """Answers with black pictures, as safety checkers do."""

    async def _paint(self, order: Order) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (order.width, order.height)).save(out, "PNG")
        return out.getvalue()


@dataclass(slots=True)
class Office:
    """One worker at work, and a client that listens."""

    client: MemeClient
    developer: Client

    async def ended(self, *request_ids: str, timeout: float = 15) -> list[str]:
        """The code of each answer, `ok` for a picture; the queue is empty and nothing was answered twice."""
        assert await self.client.answered(list(request_ids), timeout) == []
        await wait_until(self._drained, "the queue to drain")
        assert {len(heard) for heard in self.client.answers.values()} == {1}
        heard = [self.client.answers[request_id][0] for request_id in request_ids]
        return ["ok" if answer.ok else str(answer.message["code"]) for answer in heard]

    async def deliveries(self) -> int:
        """How often the stream handed out messages, redeliveries included."""
        info = await self.developer.jetstream().consumer_info("MEMES", "meme-generator")
        assert info.delivered is not None
        return info.delivered.consumer_seq

    async def dead_letters(self) -> list[RawStreamMsg]:
        js = self.developer.jetstream()
        last = (await js.stream_info("DEAD_LETTERS")).state.last_seq
        return [await js.get_msg("DEAD_LETTERS", sequence) for sequence in range(1, last + 1)]

    async def reasons(self) -> list[str]:
        """Why messages were put aside."""
        return [(letter.headers or {})["Mb-Reason"] for letter in await self.dead_letters()]

    async def _drained(self) -> bool:
        info = await self.developer.jetstream().consumer_info("MEMES", "meme-generator")
        return info.num_pending == info.num_ack_pending == 0


@pytest.fixture
async def hf() -> AsyncIterator[FakeHuggingFace]:
    async with FakeHuggingFace(FINE) as fake:
        yield fake


@pytest.fixture
def env(worker_env: dict[str, str], hf: FakeHuggingFace) -> dict[str, str]:
    return worker_env | {"IMAGE_PROVIDER": "huggingface", "HF_API_URL": hf.url(), "MAX_ATTEMPTS": "3"}


@contextlib.asynccontextmanager
async def at_work(env: dict[str, str], url: str, *, calm: bool = True) -> AsyncIterator[Office]:
    """Open the office. A calm one has a throttle that never refuses a call by itself."""
    settings = Settings.from_env(env)
    async with contextlib.AsyncExitStack() as stack:
        model = open_image_model(settings, rng=lambda: 1.0) if calm else open_image_model(settings)
        stack.push_async_callback(model.aclose)
        app = create_app(settings, memes=MemeParts(model=model))
        await stack.enter_async_context(app.start_lifespan_context())
        await wait_until(lambda: app.wiring.health.report()[0] == "ok", "the worker to be ready")
        developer = await nats.connect(url)
        stack.push_async_callback(developer.close)
        client = await stack.enter_async_context(MemeClient(developer).listening())
        yield Office(client, developer)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_provider_s_wish_to_wait_is_no_sleep(
    status: int, env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """The message goes back to the stream for that long; the only slot serves somebody else meanwhile."""
    hf.manners = Manners(error_rate=1, status=status, retry_after=3)
    async with at_work(env | {"WORKER_CONCURRENCY": "1"}, nats_server.url()) as office:
        late = await office.client.ask("late", via="jetstream")
        await wait_until(lambda: hf.total == 1, "the first call")
        hf.manners = FINE
        other = await office.client.ask("other", via="jetstream")

        assert await office.client.answered([other], 2) == []
        assert late not in office.client.answers

        assert await office.ended(late, other) == ["ok", "ok"]
        assert office.client.answers[late][0].seconds >= 3
        assert hf.calls == {"late": 2, "other": 1}
        assert await office.deliveries() >= 3


async def test_a_provider_that_is_down_for_good(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """One error, one dead letter with the request in it, and few calls: no hot loop."""
    hf.manners = Manners(error_rate=1, status=500)
    async with at_work(env, nats_server.url(), calm=False) as office:
        asked = await office.client.ask("hopeless", via="jetstream")

        assert await office.ended(asked) == ["dead_lettered"]

        (letter,) = await office.dead_letters()
        assert (letter.headers or {})["Mb-Reason"] == "too_many_attempts"
        assert asked.encode() in (letter.data or b"")
        assert office.client.answers[asked][0].message["retryable"] is True
        assert "gave up after 3 tries" in office.client.answers[asked][0].message["error"]
        assert 1 <= hf.total <= 3
        assert await office.deliveries() <= 6


async def test_what_cannot_be_mended_is_not_tried_again(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """The token, the credits, the model, the parameters: an error at once, after one call."""
    expected = {
        401: "provider_auth",
        402: "provider_quota",
        403: "provider_auth",
        404: "model_unavailable",
        410: "model_unavailable",
        422: "invalid_request",
    }
    async with at_work(env, nats_server.url()) as office:
        for status, code in expected.items():
            hf.manners = Manners(error_rate=1, status=status)
            asked = await office.client.ask(f"status {status}", via="jetstream")

            assert await office.ended(asked) == [code]
            assert office.client.answers[asked][0].message["retryable"] is False

        assert hf.calls == {f"status {status}": 1 for status in expected}
        assert await office.reasons() == []


async def test_a_black_picture_is_a_refusal(worker_env: dict[str, str], nats_server: NatsServer) -> None:
    """It would otherwise be answered, and cached, as the meme for this prompt."""
    async with Censor() as censor:
        env = worker_env | {"IMAGE_PROVIDER": "huggingface", "HF_API_URL": censor.url()}
        async with at_work(env, nats_server.url()) as office:
            asked = await office.client.ask("rude", via="jetstream", small_image=True)

            assert await office.ended(asked) == ["nsfw"]
            assert censor.total == 1


@pytest.mark.parametrize("max_payload", [MIB, MIB // 4, MIB // 16])
async def test_a_heavy_picture_fits_the_server(
    max_payload: int, tmp_path: Path, redis_server: RedisServer, hf: FakeHuggingFace
) -> None:
    """A PNG of 2 MB arrives as WebP in full size: where a message holds less, it loses quality first."""
    hf.manners = Manners(style="noise")
    assert len(await hf._paint(Order("heavy", 1024, 1024))) > 2_000_000
    server = NatsServer(tmp_path / "nats", max_payload=max_payload)
    async with stopping(server.child):
        await server.start()
        env = {
            "NATS_URL": server.url("worker"),
            "NATS_INBOX_PREFIX": "_INBOX_worker",
            "REDIS_URL": redis_server.url,
            "IMAGE_PROVIDER": "huggingface",
            "HF_API_URL": hf.url(),
        }
        async with at_work(env, server.url()) as office:
            asked = await office.client.ask("heavy", via="jetstream")

            assert await office.ended(asked) == ["ok"]

            subject = f"answers.meme.{asked}.response"
            stored = await office.developer.jetstream().get_last_msg("MEME_RESULTS", subject)
            assert len(stored.data or b"") < max_payload
            answer = office.client.answers[asked][0]
            with Image.open(io.BytesIO(answer.image())) as image:
                assert (image.format, image.size) == ("WEBP", (1024, 1024))


async def test_a_failure_is_shared_like_a_picture(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """Those who waited for a failed flight do not try the provider one after another."""
    hf.manners = Manners(error_rate=1, status=500, latency=0.2)
    async with at_work(env | {"MAX_ATTEMPTS": "2"}, nats_server.url(), calm=False) as office:
        ids = [await office.client.ask("the same", via="jetstream") for _ in range(100)]

        assert set(await office.ended(*ids, timeout=25)) == {"dead_lettered"}

        # one call for each time the failure is remembered; on a busy machine the tries take longer than that
        assert 1 <= hf.total <= 20
        assert await office.reasons() == ["too_many_attempts"] * 100


async def test_a_running_request_is_cancelled(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """Its answer is the error `cancelled`, and the provider is let go."""
    hf.script("hang")
    async with at_work(env, nats_server.url()) as office:
        asked = await office.client.ask("endless", via="jetstream")
        await wait_until(lambda: hf.total == 1, "the call")

        await office.developer.publish(f"meme.cancel.{asked}")

        assert await office.ended(asked) == ["cancelled"]
        await wait_until(lambda: not hf._conversations, "the provider to see us hang up")
        assert hf.total == 1


async def test_a_queued_request_is_cancelled(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """Nobody works on it yet: whoever takes it later finds it cancelled, and asks no provider."""
    hf.script("hang")
    async with at_work(env | {"WORKER_CONCURRENCY": "1"}, nats_server.url()) as office:
        running = await office.client.ask("endless", via="jetstream")
        await wait_until(lambda: hf.total == 1, "the call")
        queued = await office.client.ask("never drawn", via="jetstream")

        await office.developer.publish(f"meme.cancel.{queued}")
        await office.developer.publish(f"meme.cancel.{running}")

        assert await office.ended(running, queued) == ["cancelled", "cancelled"]
        assert hf.calls == {"endless": 1}


async def test_an_id_is_used_for_one_prompt(
    env: dict[str, str], hf: FakeHuggingFace, nats_server: NatsServer
) -> None:
    """Another prompt under the same id is a dead letter, never somebody else's picture."""
    async with at_work(env, nats_server.url()) as office:
        await office.client.ask("first", request_id="mine", via="jetstream")
        assert await office.ended("mine") == ["ok"]

        await office.developer.jetstream().publish("meme.request", body(id="mine", prompt="second"))
        await wait_until(office.reasons, "a dead letter")

        assert await office.reasons() == ["id_conflict"]
        assert await office.ended("mine") == ["ok"]
        assert await stored_answers(office.developer) == {"mine": 1}
        assert office.client.answers["mine"][0].message["prompt"] == "first"
        assert hf.calls == {"first": 1}
