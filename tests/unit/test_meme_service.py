"""The meme service: one answer per request, the events around it, the lines and numbers that people watch."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import Awaitable
from typing import Any

import pytest

from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.events import MemoryEvents
from memebattle.bus.idempotency import Answer, Delivery, ExactlyOnce
from memebattle.bus.objects import MemoryImages
from memebattle.bus.outcome import Busy, Rejected, Retryable
from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    ImageSpec,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.service import Generated, GenerationService
from memebattle.kit.logs import JsonFormatter
from memebattle.kit.metrics import Metrics
from memebattle.memes.messages import MemeRequest
from memebattle.memes.service import MemeService, image_budget
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache
from memebattle.store.claims import MemoryClaims
from memebattle.store.flights import MemoryFlights
from tests.toys import ScriptedModel, picture

CORE, JS = Delivery("core_nats"), Delivery("jetstream", fallback_id="js-MEMES-7")
MIB = 1024 * 1024


class Shop:
    """A meme service over in-memory twins."""

    def __init__(
        self, metrics: Metrics, *script: GenerationError | None, max_payload: int = MIB, **env: str
    ) -> None:
        self.metrics, self.model = metrics, ScriptedModel(*script)
        self.answers, self.claims, self.events = MemoryAnswers(max_payload), MemoryClaims(), MemoryEvents()
        self.flights = MemoryFlights()
        generation = GenerationService(
            self.model,
            MemoryCache(3600),
            self.flights,
            MemoryImages(),
            metrics,
            image_budget=lambda: image_budget(MIB),
        )
        once = ExactlyOnce(self.claims, Settings.from_env(env).delivery, metrics.memes)
        self.memes = MemeService(
            once,
            generation,
            self.answers,
            self.claims,
            self.events,
            metrics,
            worker="worker-1",
            position=lambda: 3,
        )

    def answer(self, delivery: Delivery = JS, **fields: Any) -> Awaitable[None]:
        request = MemeRequest.read(json.dumps({"id": "r1", "prompt": "cat"} | fields).encode())
        return self.memes.answer(request, delivery)

    def stored(self, request_id: str = "r1") -> dict[str, Any]:
        answer = self.answers.stored[request_id]
        return {"kind": answer.kind} | json.loads(answer.body)

    def states(self) -> list[str]:
        return [message.state for subject, message in self.events.told if subject.startswith("meme.status.")]

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"meme_generator_{name}", labels) or 0


@pytest.fixture
def shop(metrics: Metrics) -> Shop:
    return Shop(metrics)


async def test_a_request_is_answered_with_its_picture(shop: Shop) -> None:
    await shop.answer()

    stored = shop.stored()
    assert (stored["kind"], stored["request_id"], stored["prompt"]) == ("response", "r1", "cat")
    assert base64.b64decode(stored["image_data"]) == picture().data
    assert stored["image_url"] == f"/images/{stored['sha256']}.webp"
    assert (stored["content_type"], stored["width"], stored["height"]) == ("image/webp", 16, 16)
    assert (stored["provider"], stored["model"]) == ("toy", "toy-1")
    assert (stored["cached"], stored["coalesced"]) == (False, False)


async def test_events_tell_the_story_in_order(shop: Shop) -> None:
    await shop.answer()

    assert [subject for subject, _ in shop.events.told] == [
        "meme.status.r1",
        "meme.created",
        "meme.status.r1",
    ]
    assert shop.states() == ["running", "done"]
    assert {message.worker for _, message in shop.events.told if hasattr(message, "worker")} == {"worker-1"}
    assert b"image_data" not in shop.events.told[1][1].body()


async def test_the_answer_is_stored_before_anybody_hears_of_it(shop: Shop) -> None:
    stored_when_told: dict[str, bool] = {}
    tell = shop.events.tell

    async def noted(subject: str, message: Any) -> None:
        stored_when_told[getattr(message, "state", "created")] = "r1" in shop.answers.stored
        await tell(subject, message)

    shop.memes._events = type("Noted", (), {"tell": staticmethod(noted)})()
    await shop.answer()

    assert stored_when_told == {"running": False, "created": True, "done": True}


async def test_the_same_request_twice_is_one_answer_and_one_story(shop: Shop) -> None:
    await shop.answer(CORE)
    told = list(shop.events.told)
    await shop.answer(JS)

    assert (len(shop.model.calls), shop.events.told) == (1, told)
    assert shop.count("requests_total") == 1


async def test_without_an_id_jetstream_gives_one(shop: Shop) -> None:
    await shop.answer(JS, id=None)

    assert shop.stored("js-MEMES-7")["request_id"] == "js-MEMES-7"


async def test_without_an_id_core_leaves_it_to_jetstream(shop: Shop) -> None:
    with pytest.raises(Busy):
        await shop.answer(CORE, id=None)

    assert shop.answers.stored == {}
    assert shop.count("core_skipped_total", reason="no_id") == 1


async def test_without_a_slot_core_says_that_the_request_is_queued(shop: Shop) -> None:
    await shop.answer(Delivery("core_nats", has_slot=False))

    ((subject, status),) = shop.events.told
    assert (subject, status.state, status.position) == ("meme.status.r1", "queued", 3)
    assert shop.answers.stored == {}


@pytest.mark.parametrize(
    ("failure", "code", "kind"),
    [
        (InvalidPrompt("no"), "invalid_request", "invalid"),
        (ContentBlocked("no"), "nsfw", "provider"),
        (ProviderAuthError("no"), "provider_auth", "provider"),
        (ProviderQuotaError("no"), "provider_quota", "provider"),
        (ModelUnavailable("no"), "model_unavailable", "provider"),
    ],
)
async def test_a_final_failure_is_an_answer(
    metrics: Metrics, failure: GenerationError, code: str, kind: str
) -> None:
    shop = Shop(metrics, failure)
    await shop.answer()

    stored = shop.stored()
    assert (stored["kind"], stored["code"], stored["error"], stored["retryable"]) == (
        "error",
        code,
        "no",
        False,
    )
    assert shop.states() == ["running", "failed"]
    assert shop.count("errors_total", source="jetstream", kind=kind) == 1
    assert (shop.count("requests_total"), shop.count("success_total")) == (1, 0)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ProviderRateLimited("slow down", retry_after=7), "rate_limited"),
        (ProviderUnavailable("overloaded"), "provider"),
        (ProviderTimeout("too slow"), "timeout"),
    ],
)
async def test_a_passing_failure_comes_again_and_is_no_answer(
    metrics: Metrics, failure: GenerationError, kind: str
) -> None:
    shop = Shop(metrics, failure)
    with pytest.raises(Retryable) as again:
        await shop.answer()

    assert again.value.kind == kind
    assert again.value.after >= (failure.retry_after or 0)
    assert shop.answers.stored == {}
    assert shop.count("errors_total", source="jetstream", kind=kind) == 1


async def test_the_last_failure_is_answered_told_and_put_aside(metrics: Metrics) -> None:
    shop = Shop(metrics, ProviderUnavailable("overloaded"), MAX_ATTEMPTS="1")
    with pytest.raises(Rejected) as end:
        await shop.answer()

    assert end.value.reason == "too_many_attempts"
    stored = shop.stored()
    assert (stored["kind"], stored["code"], stored["retryable"]) == ("error", "dead_lettered", True)
    assert stored["error"] == "gave up after 1 tries: overloaded"
    assert shop.states() == ["running", "failed"]
    assert shop.count("requests_total") == 1


async def test_a_picture_that_takes_too_long_elsewhere_is_no_failure(metrics: Metrics) -> None:
    """Another replica draws it for longer than we wait: look again, at no cost of a try."""
    shop = Shop(metrics)
    shop.memes._generation._flight_wait = 0.01
    spec = MemeRequest(prompt="cat").spec()
    await shop.flights.join(shop.memes._generation.digest(spec), "another replica")

    with pytest.raises(Busy) as busy:
        await shop.answer()

    assert busy.value.after == 0.5
    assert (shop.answers.stored, shop.count("errors_total", source="jetstream", kind="provider")) == ({}, 0)


async def test_a_picture_that_does_not_fit_is_answered_so(metrics: Metrics) -> None:
    shop = Shop(metrics, max_payload=2600)
    await shop.answer()

    assert shop.stored()["code"] == "payload_too_large"
    assert shop.count("errors_total", source="jetstream", kind="payload") == 1


def test_the_image_budget_leaves_room_for_base64_and_the_rest() -> None:
    assert image_budget(MIB) == 780_288
    assert image_budget(MIB) * 4 / 3 + 8 * 1024 == MIB


async def test_a_worst_case_answer_fits_the_server(metrics: Metrics) -> None:
    """500 characters that JSON escapes, and an image of the whole budget."""
    shop = Shop(metrics)
    await shop.answer(prompt='"' * 500)
    envelope = len(shop.answers.stored["r1"].body) - len(base64.b64encode(picture().data))

    assert envelope + len(base64.b64encode(bytes(image_budget(MIB)))) < MIB - 2048


async def test_work_in_progress_is_cancelled_on_request(shop: Shop) -> None:
    shop.model.hold()
    work = asyncio.create_task(shop.answer())
    await shop.model.started.wait()
    await shop.memes.cancel("r1")
    await work

    stored = shop.stored()
    assert (stored["kind"], stored["code"], stored["error"]) == ("error", "cancelled", "cancelled on request")
    assert shop.states() == ["running", "cancelled"]
    assert shop.count("errors_total", source="jetstream", kind="cancelled") == 1


async def test_cancelling_one_request_leaves_an_identical_one_alone(shop: Shop) -> None:
    shop.model.hold()
    one, other = asyncio.create_task(shop.answer(id="r1")), asyncio.create_task(shop.answer(id="r2"))
    await shop.model.started.wait()
    await shop.memes.cancel("r1")
    await one
    shop.model.may_finish.set()
    await other

    assert (shop.stored("r1")["kind"], shop.stored("r2")["kind"]) == ("error", "response")
    assert len(shop.model.calls) == 1


async def test_a_request_cancelled_before_its_start_is_never_drawn(shop: Shop) -> None:
    await shop.memes.cancel("r1")
    await shop.answer()

    assert (shop.stored()["code"], shop.model.calls, shop.states()) == ("cancelled", [], ["cancelled"])


async def test_cancelling_what_was_answered_changes_nothing(shop: Shop) -> None:
    await shop.answer()
    await shop.memes.cancel("r1")
    await shop.answer()

    assert shop.stored()["kind"] == "response"


async def test_a_cancellation_that_comes_too_late_leaves_nothing_behind(shop: Shop) -> None:
    """The picture is there, the service has not noticed yet; later a stop must not read as a cancellation."""
    generate = shop.memes._generation.generate

    def cancel_now() -> None:
        with contextlib.suppress(StopIteration):
            shop.memes.cancel("r1").send(None)

    async def and_cancel(spec: ImageSpec) -> Generated:
        generated = await generate(spec)
        asyncio.get_running_loop().call_soon(cancel_now)
        return generated

    shop.memes._generation.generate = and_cancel  # type: ignore[method-assign]
    await shop.answer()

    assert shop.stored()["kind"] == "response"
    assert shop.memes._cancelled == set()


@pytest.mark.parametrize("odd", ["", "a b", "x" * 65, "*"])
async def test_a_cancellation_without_a_proper_id_is_ignored(shop: Shop, odd: str) -> None:
    await shop.memes.cancel(odd)

    assert shop.claims._records == {}


async def test_a_stopping_worker_does_not_answer(shop: Shop) -> None:
    shop.model.hold()
    work = asyncio.create_task(shop.answer())
    await shop.model.started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert shop.answers.stored == {}

    shop.model.may_finish.set()
    await shop.answer()

    assert shop.stored()["kind"] == "response"


async def test_a_message_that_is_no_request_is_answered_if_it_says_to_whom(shop: Shop) -> None:
    await shop.memes.refuse(b'{"id":"r1","prompt":""}', JS, Rejected("invalid_request", "prompt: too short"))

    stored = shop.stored()
    assert (stored["kind"], stored["code"], stored["error"]) == (
        "error",
        "invalid_request",
        "prompt: too short",
    )
    assert shop.count("errors_total", source="jetstream", kind="invalid") == 1


@pytest.mark.parametrize("body", [b"nope", b"[]", b"{}", b'{"id":7}', b'{"id":"a.b"}', b'{"id":"a\\n"}'])
async def test_what_has_no_usable_id_is_answered_under_the_stand_in(shop: Shop, body: bytes) -> None:
    await shop.memes.refuse(body, JS, Rejected("invalid_json", "no"))

    assert list(shop.answers.stored) == ["js-MEMES-7"]


async def test_a_refused_message_without_any_id_is_only_counted(shop: Shop) -> None:
    await shop.memes.refuse(b"nope", CORE, Rejected("invalid_json", "no"))

    assert shop.answers.stored == {}
    assert shop.count("errors_total", source="core_nats", kind="invalid") == 1


@pytest.mark.parametrize("reason", ["id_conflict", "too_many_attempts"])
async def test_what_was_answered_already_is_not_answered_again(shop: Shop, reason: Any) -> None:
    await shop.memes.refuse(b'{"id":"r1","prompt":"cat"}', JS, Rejected(reason, "no"))

    assert shop.answers.stored == {}


async def test_a_request_that_was_tried_too_often_is_not_counted_as_invalid(shop: Shop) -> None:
    await shop.memes.refuse(b'{"id":"r1","prompt":"cat"}', JS, Rejected("too_many_attempts", "no"))

    assert shop.count("errors_total", source="jetstream", kind="invalid") == 0


async def test_the_numbers_of_a_request_that_went_well(shop: Shop) -> None:
    """O3 to O10."""
    await shop.answer(CORE)
    await shop.answer(JS)
    await shop.answer(JS, id="r2", unknown="field")

    assert shop.count("requests_total") == 2
    assert shop.count("success_total") == 2
    assert shop.count("duplicate_messages_total", source="jetstream", reason="in_process") == 1
    assert shop.count("processing_duration_seconds_count", source="core_nats", outcome="ok") == 1
    assert shop.count("processing_duration_seconds_count", source="jetstream", outcome="ok") == 1
    assert shop.count("cache_hits_total") == 1
    assert shop.count("cache_misses_total") == 1
    assert shop.count("generation_duration_seconds_count", provider="toy", model="toy-1") == 1
    assert shop.count("unknown_fields_total") == 1


def test_the_histograms_have_the_documented_buckets(metrics: Metrics) -> None:
    """O4."""
    metrics.memes.processing.labels("jetstream", "ok").observe(0.02)
    buckets = [
        sample.labels["le"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "meme_generator_processing_duration_seconds_bucket"
    ]

    assert buckets == [
        "0.01",
        "0.05",
        "0.1",
        "0.5",
        "1.0",
        "2.0",
        "5.0",
        "10.0",
        "30.0",
        "60.0",
        "120.0",
        "+Inf",
    ]


@pytest.mark.parametrize(("delivery", "name"), [(CORE, "Core NATS"), (JS, "JetStream")])
async def test_the_log_tells_what_the_documents_promise(
    shop: Shop, caplog: pytest.LogCaptureFixture, delivery: Delivery, name: str
) -> None:
    """A27."""
    caplog.set_level(logging.INFO)
    await shop.answer(delivery)
    await shop.answer(JS)

    own = [record for record in caplog.records if "generation" not in record.name]
    assert [record.getMessage() for record in own] == [
        f"Successfully parsed {name} MemeRequest",
        "Successfully sent response",
        "Successfully parsed JetStream MemeRequest",
        "Skipping duplicate message",
    ]


class Lines(logging.Handler):
    """Formats at once, while the fields are bound."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(JsonFormatter().format(record)))


async def test_every_line_names_its_request(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """A16: also those of the generation service."""
    caplog.set_level(logging.INFO)
    handler = Lines()
    logging.getLogger("memebattle").addHandler(handler)
    try:
        await shop.answer(client_id="alice")
    finally:
        logging.getLogger("memebattle").removeHandler(handler)

    assert len(handler.lines) == 5
    assert {(line["request_id"], line["client_id"]) for line in handler.lines} == {("r1", "alice")}


async def test_an_answer_of_another_replica_ends_the_story_quietly(shop: Shop) -> None:
    """The stream had it already: no second `done`, nothing counted twice."""
    await shop.answers.publish(Answer("r1", "response", b"{}", MemeRequest(prompt="cat").digest))
    await shop.answer()

    assert shop.states() == ["running"]
    assert shop.count("requests_total") == 0
