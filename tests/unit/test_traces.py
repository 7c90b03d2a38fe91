"""One trace per request, over every hop: what is sent, who works on it, and which model is asked."""

from __future__ import annotations

import asyncio

import pytest
from faststream.nats import TestApp, TestNatsBroker
from opentelemetry.trace import SpanKind, StatusCode

from memebattle.bootstrap.priority_house import PriorityParts
from memebattle.bus.answers import MemoryAnswers
from memebattle.bus.idempotency import Delivery
from memebattle.bus.outcome import Busy, Retryable
from memebattle.bus.requests import MemoryRequests
from memebattle.generation.ports import ProviderUnavailable
from memebattle.kit.metrics import Metrics
from memebattle.kit.tracing import span
from memebattle.memes.asking import Asking
from memebattle.memes.messages import MemeRequest
from memebattle.settings import Settings
from memebattle.store.cache import MemoryCache
from memebattle.worker import create_app
from tests.bureau import Bureau, a_request
from tests.office import Office
from tests.priority_desk import Counter
from tests.priority_desk import task as a_task
from tests.spans import HEADER, PARENT, TRACE, ids_of, parent_of, recorded
from tests.unit.test_meme_service import Shop
from tests.unit.test_priority_adviser import Desk


async def test_a_meme_is_one_trace_from_the_gateway_to_the_model(metrics: Metrics) -> None:
    requests, shop = MemoryRequests(MemoryAnswers()), Shop(metrics)
    asking = Asking(requests, requests.answers, MemoryCache(60), lambda: True)
    with recorded() as spans:
        await asking.ask(MemeRequest(id="r1", prompt="a private thought"), traceparent=HEADER)
        trace = {"traceparent": requests.traces["r1"], "correlation_id": "c-1"}
        await shop.answer(Delivery("core_nats", trace=trace), prompt="a private thought")
        await shop.answer(Delivery("jetstream", trace=trace), prompt="a private thought")

    sent, processed, drawn = (
        next(each for each in spans.all if each.name == name)
        for name in ("publish_request", "process_request", "generate_image")
    )
    assert {ids_of(each)[0] for each in spans.all} == {TRACE}
    assert parent_of(sent) == PARENT
    assert parent_of(processed) == ids_of(sent)[1]
    assert parent_of(drawn) == ids_of(processed)[1]
    assert [each.kind for each in (sent, processed, drawn)] == [
        SpanKind.PRODUCER,
        SpanKind.CONSUMER,
        SpanKind.CLIENT,
    ]
    assert dict(processed.attributes or {}) == {
        "messaging.system": "nats",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.template": "meme.request",
        "messaging.message.id": "r1",
        "memebattle.source": "core_nats",
    }
    assert dict(drawn.attributes or {}) == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "toy",
        "gen_ai.request.model": "toy-1",
    }
    assert "private thought" not in "".join(each.to_json() for each in spans.all)
    answer = shop.answers.stored["r1"].trace
    assert answer == {"traceparent": f"00-{TRACE}-{ids_of(processed)[1]}-01", "correlation_id": "c-1"}


async def test_a_copy_that_somebody_else_works_on_is_no_span(metrics: Metrics) -> None:
    shop = Shop(metrics)
    shop.model.hold()
    with recorded() as spans:
        first = asyncio.ensure_future(shop.answer(Delivery("core_nats")))
        await shop.model.started.wait()
        with pytest.raises(Busy):
            await shop.answer()
        shop.model.may_finish.set()
        await first

    drawn, processed = spans.all
    assert [drawn.name, processed.name] == ["generate_image", "process_request"]
    assert (processed.attributes or {})["memebattle.source"] == "core_nats"


async def test_a_provider_that_fails_is_seen_in_the_trace(metrics: Metrics) -> None:
    shop = Shop(metrics, ProviderUnavailable("the provider is away"))
    with recorded() as spans, pytest.raises(Retryable, match="the provider is away"):
        await shop.answer()

    assert spans.by_name["generate_image"].status.description == "the provider is away"
    assert spans.by_name["process_request"].status.status_code is StatusCode.ERROR


async def test_a_chat_message_is_one_trace(metrics: Metrics) -> None:
    office = Office(metrics)
    with recorded() as spans:
        await office.ask(Delivery("core_nats", trace={"traceparent": HEADER}))

    processed, written = spans.by_name["process_message"], spans.by_name["generate_text"]
    assert (ids_of(processed)[0], parent_of(processed)) == (TRACE, PARENT)
    assert parent_of(written) == ids_of(processed)[1]
    assert (processed.attributes or {})["messaging.destination.template"] == (
        "chat.workflow.execute.{session_id}"
    )
    assert (written.attributes or {})["gen_ai.operation.name"] == "chat"


async def test_a_task_is_one_trace(metrics: Metrics) -> None:
    bureau = Bureau(metrics)
    with recorded() as spans:
        await bureau.prioritise(Delivery("jetstream", "js-1", trace={"traceparent": HEADER}))
        await bureau.service.answer_now(a_request(id="t2"), HEADER)

    processed, answered = spans.by_name["process_task"], spans.by_name["answer_question"]
    assert {(ids_of(each)[0], parent_of(each)) for each in (processed, answered)} == {(TRACE, PARENT)}
    stored = {entry.request_id: dict(entry.trace) for entry in bureau.log.entries}
    assert stored == {
        "t1": {"traceparent": f"00-{TRACE}-{ids_of(processed)[1]}-01"},
        "t2": {"traceparent": f"00-{TRACE}-{ids_of(answered)[1]}-01"},
    }


async def test_a_task_that_is_sent_or_asked_about_begins_at_the_gateway() -> None:
    counter = Counter()
    counter.tasks.worker = counter.reply
    with recorded() as spans:
        await counter.desk.prioritising.ask(a_task(id="t1"), traceparent=HEADER)
        await counter.desk.prioritising.ask_now(a_task(id="t2"), traceparent=HEADER)

    sent, asked = spans.by_name["submit_task"], spans.by_name["ask_worker"]
    assert {(ids_of(each)[0], parent_of(each)) for each in (sent, asked)} == {(TRACE, PARENT)}
    assert counter.tasks.traces == {("t1", 1): f"00-{TRACE}-{ids_of(sent)[1]}-01"}
    assert counter.tasks.questions == [f"00-{TRACE}-{ids_of(asked)[1]}-01"]


async def test_a_question_to_a_worker_goes_on_in_its_trace(metrics: Metrics) -> None:
    """Over NATS, as a handler reads the header."""
    bureau = Bureau(metrics)
    app = create_app(
        Settings.from_env({"WORKER_CONTEXTS": "priority"}),
        priority=PriorityParts(
            bureau.log, bureau.claims, bureau.documents, bureau.adviser, bureau.events, bureau.figures
        ),
    )
    question = a_request(id="t1").body()
    async with TestNatsBroker(app.broker, connect_only=True) as broker, TestApp(app):
        await broker.request(question, "prioritization.sync", headers={"traceparent": HEADER})

    (entry,) = bureau.log.entries
    assert entry.trace["traceparent"].startswith(f"00-{TRACE}-")


async def test_what_a_language_model_is_asked_is_a_part_of_the_task() -> None:
    desk = Desk()
    with recorded() as spans, span("process_task") as here:
        await desk.guess()

    asked = spans.by_name["ask_model"]
    assert (parent_of(asked), asked.kind) == (here.span_id, SpanKind.CLIENT)
