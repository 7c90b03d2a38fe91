"""The generation service: the order of things, and identical work that runs once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from typing import Any

import pytest

from memebattle.bus.objects import MemoryImages
from memebattle.generation.ports import (
    ImageSpec,
    InvalidPrompt,
    Meme,
    ProviderRateLimited,
    ProviderUnavailable,
    RawImage,
    StillGenerating,
)
from memebattle.generation.service import Generated, GenerationService, shortened
from memebattle.kit.metrics import Metrics
from memebattle.store.cache import MemoryCache
from memebattle.store.flights import MemoryFlights
from tests.toys import Clock, ScriptedModel, picture
from tests.waiting import wait_until

CAT = ImageSpec("A cat wearing a space helmet on Mars")
DOG = ImageSpec("A dog in a submarine")
LOGGER = "memebattle.generation.service"


class Studio:
    """A generation service over in-memory twins, and the journal of what it asked them for."""

    def __init__(self, metrics: Metrics, *script: Any, **options: Any) -> None:
        self.journal: list[str] = []
        self.metrics = metrics
        self.model = ScriptedModel(*script)
        self.cache, self.flights, self.images = MemoryCache(3600), MemoryFlights(), MemoryImages()
        self.budget = 700_000
        self.service = self.replica(**options)

    def replica(self, **options: Any) -> GenerationService:
        """One more process on the same cache and flights."""
        return GenerationService(
            Noted(self.model, "model", self.journal),
            Noted(self.cache, "cache", self.journal),
            Noted(self.flights, "flights", self.journal),
            Noted(self.images, "images", self.journal),
            self.metrics,
            image_budget=lambda: self.budget,
            **options,
        )

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"meme_generator_{name}", labels) or 0


class Noted:
    """Writes down which of a port's methods are called."""

    def __init__(self, part: Any, name: str, journal: list[str]) -> None:
        self._part, self._name, self._journal = part, name, journal

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._part, attribute)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def noted(*arguments: Any) -> Any:
            self._journal.append(f"{self._name}.{attribute}")
            return await found(*arguments)

        return noted


@pytest.fixture
def studio(metrics: Metrics) -> Studio:
    return Studio(metrics)


async def crowd(
    service: GenerationService, size: int, spec: ImageSpec = CAT
) -> list[asyncio.Task[Generated]]:
    """So many callers of one picture, all of them waiting for it."""
    tasks = [asyncio.create_task(service.generate(spec)) for _ in range(size)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_a_new_picture_takes_this_way(studio: Studio) -> None:
    """A35: look into the cache, take the flight, generate, fill the cache; only then it is returned."""
    generated = await studio.service.generate(CAT)

    assert studio.journal == [
        "cache.get",
        "flights.join",
        "cache.get",  # the flight before ours may have landed just now
        "model.generate",
        "cache.put",
        "cache.put",  # where to find it by its hash
        "images.put",
        "flights.land",
    ]
    assert (generated.cached, generated.coalesced) == (False, False)


async def test_a_cached_picture_needs_nobody(studio: Studio) -> None:
    first = await studio.service.generate(CAT)
    studio.journal.clear()
    second = await studio.service.generate(CAT)

    assert studio.journal == ["cache.get"]
    assert second == Generated(first.meme, cached=True)


async def test_a_finished_meme_says_what_it_is_and_who_drew_it(studio: Studio) -> None:
    meme = (await studio.service.generate(CAT)).meme

    assert meme == Meme(
        data=picture().data,
        content_type="image/webp",
        width=16,
        height=16,
        sha256=hashlib.sha256(picture().data).hexdigest(),
        provider="toy",
        model="toy-1",
    )


async def test_the_meme_is_in_the_image_store_under_its_hash(studio: Studio) -> None:
    meme = (await studio.service.generate(CAT)).meme

    assert await studio.images.get(meme.sha256) == meme.data


async def test_everything_that_changes_the_picture_changes_the_digest(studio: Studio) -> None:
    specs = [
        CAT,
        DOG,
        ImageSpec(CAT.prompt, width=512, height=512),
        ImageSpec(CAT.prompt, fast=True),
        ImageSpec(CAT.prompt, guidance_scale=7.5),
        ImageSpec(CAT.prompt, num_inference_steps=4),
        ImageSpec(CAT.prompt, negative_prompt="dogs"),
        ImageSpec(CAT.prompt, seed=0),
        ImageSpec(CAT.prompt, model="other/model"),
        ImageSpec(CAT.prompt, caption_top="WHEN"),
        ImageSpec(CAT.prompt, caption_bottom="WHEN"),
    ]

    assert len({studio.service.digest(spec) for spec in specs}) == len(specs)
    assert studio.service.digest(CAT) == studio.service.digest(ImageSpec(CAT.prompt))


async def test_a_new_style_is_a_new_picture(studio: Studio) -> None:
    before = studio.service.digest(CAT)
    studio.model.style_version = "2"

    assert studio.service.digest(CAT) != before


async def test_a_hundred_identical_requests_are_one_call(studio: Studio) -> None:
    studio.model.hold()
    callers = await crowd(studio.service, 100)
    studio.model.may_finish.set()
    found = await asyncio.gather(*callers)

    assert len(studio.model.calls) == 1
    assert len({generated.meme.sha256 for generated in found}) == 1
    assert [generated.coalesced for generated in found].count(False) == 1
    assert studio.count("coalesced_total") == 99


async def test_different_pictures_do_not_wait_for_each_other(studio: Studio) -> None:
    studio.model.hold()
    cat, dog = (await crowd(studio.service, 1, CAT)) + (await crowd(studio.service, 1, DOG))
    await wait_until(lambda: len(studio.model.calls) == 2, "both drawings to start")
    studio.model.may_finish.set()
    await asyncio.gather(cat, dog)


async def test_two_replicas_draw_an_identical_picture_once(studio: Studio) -> None:
    studio.model.hold()
    leader = asyncio.create_task(studio.service.generate(CAT))
    await studio.model.started.wait()
    other = asyncio.create_task(studio.replica().generate(CAT))
    await wait_until(lambda: "flights.wait" in studio.journal, "the other replica to wait")
    studio.model.may_finish.set()

    assert not (await leader).coalesced
    assert (await other).coalesced
    assert len(studio.model.calls) == 1


async def test_a_failure_is_shared_by_all_waiters(metrics: Metrics) -> None:
    studio = Studio(metrics, ProviderRateLimited("slow down", retry_after=7))
    studio.model.hold()
    callers = await crowd(studio.service, 10)
    studio.model.may_finish.set()
    found = await asyncio.gather(*callers, return_exceptions=True)

    assert [(type(each), str(each), each.retry_after) for each in found] == [
        (ProviderRateLimited, "slow down", 7)
    ] * 10
    assert len(studio.model.calls) == 1


async def test_a_failure_is_remembered_for_other_replicas(metrics: Metrics) -> None:
    """Otherwise the waiters of a failed flight would try the provider one after another."""
    studio = Studio(metrics, ProviderUnavailable("overloaded", retry_after=2))
    with pytest.raises(ProviderUnavailable):
        await studio.service.generate(CAT)

    with pytest.raises(ProviderUnavailable, match="overloaded") as again:
        await studio.replica().generate(CAT)

    assert again.value.retry_after == 2
    assert len(studio.model.calls) == 1

    studio.flights.forget_failures()

    assert not (await studio.service.generate(CAT)).cached


@pytest.mark.parametrize("failure", [InvalidPrompt("no"), ProviderUnavailable("busy")])
async def test_a_failure_keeps_its_kind_on_the_way(metrics: Metrics, failure: Exception) -> None:
    studio = Studio(metrics, failure)
    for _ in range(2):
        with pytest.raises(type(failure), match=str(failure)):
            await studio.service.generate(CAT)


async def test_a_defect_lands_the_flight_without_a_note(metrics: Metrics) -> None:
    studio = Studio(metrics, RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        await studio.service.generate(CAT)

    assert not (await studio.service.generate(CAT)).cached


@pytest.mark.parametrize("who", [0, 1], ids=["the first", "a later one"])
async def test_a_cancelled_caller_does_not_cancel_the_others(studio: Studio, who: int) -> None:
    studio.model.hold()
    callers = await crowd(studio.service, 3)
    await studio.model.started.wait()
    callers[who].cancel()
    await asyncio.gather(callers[who], return_exceptions=True)
    studio.model.may_finish.set()
    rest = await asyncio.gather(*(task for task in callers if task is not callers[who]))

    assert len(rest) == 2
    assert (len(studio.model.calls), studio.model.cancelled) == (1, 0)


async def test_the_work_ends_when_its_last_caller_is_cancelled(studio: Studio) -> None:
    studio.model.hold()
    callers = await crowd(studio.service, 3)
    await studio.model.started.wait()
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)

    await wait_until(lambda: studio.model.cancelled == 1, "the work to end")
    await wait_until(lambda: "flights.land" in studio.journal, "the flight to land")


class SlowToLand(MemoryFlights):
    """Redis takes a moment to hear that a flight is over."""

    def __init__(self) -> None:
        super().__init__()
        self.may_land = asyncio.Event()

    async def land(self, digest: str, token: str, failure: str | None = None) -> None:
        await self.may_land.wait()
        await super().land(digest, token, failure)


async def test_who_comes_while_cancelled_work_winds_down_is_not_cancelled_with_it(studio: Studio) -> None:
    """Its flight is still in the air; the newcomer waits for the landing and draws anew."""
    studio.flights = flights = SlowToLand()
    service = studio.replica()
    studio.model.hold()
    (cancelled,) = await crowd(service, 1)
    await studio.model.started.wait()
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    (newcomer,) = await crowd(service, 1)
    studio.model.may_finish.set()
    flights.may_land.set()

    generated = await newcomer

    assert not generated.cached
    assert len(studio.model.calls) == 2


async def test_after_cancelled_work_callers_share_their_own(studio: Studio) -> None:
    """The end of the old work must not forget the new one."""
    studio.flights = flights = SlowToLand()
    service = studio.replica()
    studio.model.hold()
    (cancelled,) = await crowd(service, 1)
    await studio.model.started.wait()
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    early = await crowd(service, 2)
    flights.may_land.set()
    await wait_until(lambda: len(studio.model.calls) == 2, "the new work to start")
    late = await crowd(service, 2)
    studio.model.may_finish.set()
    await asyncio.gather(*early, *late)

    assert len(studio.model.calls) == 2


async def test_a_waiter_gives_its_slot_back_after_a_while(metrics: Metrics) -> None:
    """In one process: the request comes again, and by then the picture is cached."""
    studio = Studio(metrics, flight_wait=0.02)
    studio.model.hold()
    leader = asyncio.create_task(studio.service.generate(CAT))
    await studio.model.started.wait()

    with pytest.raises(StillGenerating) as waiting:
        await studio.service.generate(CAT)

    assert waiting.value.retry_after == 0.5

    studio.model.may_finish.set()
    await leader


async def test_a_waiting_replica_gives_its_slot_back_after_a_while(metrics: Metrics) -> None:
    studio = Studio(metrics)
    await studio.flights.join(studio.service.digest(CAT), "another replica")

    with pytest.raises(StillGenerating):
        await studio.replica(flight_wait=0.02).generate(CAT)

    assert studio.model.calls == []


async def test_a_picture_of_a_larger_limit_is_made_smaller_and_can_be_found(studio: Studio) -> None:
    """It was cached when the server took larger messages; the answer's image_url must not be a dead link."""
    big = picture(600, 600)
    studio.budget = len(big.data)
    studio.model.generate = lambda _: drawn(big)  # type: ignore[method-assign]
    await studio.service.generate(CAT)
    studio.budget = len(big.data) // 3
    smaller = (await studio.service.generate(CAT)).meme

    assert len(smaller.data) <= studio.budget
    assert smaller.sha256 == hashlib.sha256(smaller.data).hexdigest()
    assert await studio.images.get(smaller.sha256) == smaller.data


async def drawn(image: RawImage) -> RawImage:
    return image


async def test_metrics_of_a_hit_a_miss_and_a_failure(metrics: Metrics) -> None:
    """O8, O9, O10."""
    studio = Studio(metrics, None, ProviderUnavailable("busy"))
    await studio.service.generate(CAT)
    await studio.service.generate(CAT)
    with pytest.raises(ProviderUnavailable):
        await studio.service.generate(DOG)

    assert studio.count("cache_hits_total") == 1
    assert studio.count("cache_misses_total") == 2
    assert studio.count("generation_duration_seconds_count", provider="toy", model="toy-1") == 1
    assert studio.count("provider_calls_total", provider="toy", outcome="ok") == 1
    assert studio.count("provider_calls_total", provider="toy", outcome="provider_unavailable") == 1


async def test_the_log_tells_of_misses_hits_and_drawings(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """A18, A19: the exact lines that people search for."""
    caplog.set_level(logging.INFO, LOGGER)
    studio = Studio(metrics, clock=Clock())
    await studio.service.generate(CAT)
    await studio.service.generate(CAT)

    assert [record.getMessage() for record in caplog.records if record.name == LOGGER] == [
        "Cache miss for prompt: A cat wearing a space helmet on Mars",
        "Generating image for prompt: A cat wearing a space helmet on Mars",
        f"Generated image in 0.00 seconds ({len(picture().data)} bytes, 16x16)",
        "Cache hit for prompt: A cat wearing a space helmet on Mars",
    ]
    assert caplog.records[0].digest == studio.service.digest(CAT)


def test_logs_show_the_beginning_of_a_long_prompt() -> None:
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 59 + "…"


async def test_a_note_is_json_that_other_versions_can_read(metrics: Metrics) -> None:
    studio = Studio(metrics, ProviderRateLimited("slow down", retry_after=7))
    with pytest.raises(ProviderRateLimited):
        await studio.service.generate(CAT)

    note = await studio.flights.join(studio.service.digest(CAT), "somebody")

    assert json.loads(note) == ["ProviderRateLimited", "slow down", 7]
