"""The real clients for text against APIs that answer, answer oddly, and fail in every way we know.

Each fault is played in both wire formats over real sockets. Whatever the API does, a call ends in time, in
one complete answer or one named error, and the client is usable afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest

from memebattle.cli.fake_llm import ANSWER, FakeLLM, Manners, serve
from memebattle.cli.fake_llm.answering import QUIRKS
from memebattle.cli.fake_llm.faults import FAILURES, FAULTS
from memebattle.generation.ports import (
    ContentBlocked,
    GenerationError,
    InvalidPrompt,
    ModelUnavailable,
    ProviderAuthError,
    ProviderQuotaError,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from memebattle.generation.providers import http_text
from memebattle.generation.providers._http import httpx
from memebattle.generation.providers.anthropic import ANTHROPIC, Messages
from memebattle.generation.providers.dialect import Account, Bounds, Dialect
from memebattle.generation.providers.http_text import HttpText
from memebattle.generation.providers.openai_compatible import CUSTOM, OPENAI, ChatCompletions
from memebattle.generation.text import StreamCut, TextPiece, TextSpec, Turn
from memebattle.generation.text_registry import open_text_models
from memebattle.generation.throttle import Throttle
from memebattle.settings import Settings
from tests.waiting import wait_until

KEY = "sk-verySecretKey123"
DEADLINE, IDLE = 3.0, 1.0  # seconds; on a busy machine a proper answer takes a while too
FORMATS = ["openai", "anthropic"]
BEGINNING = "Oh, the crowd"
TOKENS = 39  # of ANSWER
SPEC = TextSpec((Turn("user", "how do I win?"),), "fake-1")

type Connect = Callable[..., HttpText]


@pytest.fixture
async def fake(caplog: pytest.LogCaptureFixture) -> AsyncIterator[FakeLLM]:
    """Both APIs; no test may leave a warning behind, from asyncio least of all."""
    async with FakeLLM() as server:
        yield server
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.fixture
async def connect(fake: FakeLLM) -> AsyncIterator[Connect]:
    """Makes clients of the fake that never throttle, and closes them."""
    opened: list[HttpText] = []

    dialects: dict[str, Dialect] = {
        "openai": ChatCompletions(OPENAI, "max_completion_tokens"),
        "custom": ChatCompletions(CUSTOM, "max_tokens"),
        "anthropic": Messages(),
    }
    accounts = {
        "openai": Account(OPENAI, fake.openai_url, KEY),
        "custom": Account(CUSTOM, f"{fake.openai_url}/"),
        "anthropic": Account(ANTHROPIC, fake.base_url, KEY),
    }

    def make(wire: str, **options: Any) -> HttpText:
        given = {"bounds": Bounds(DEADLINE, IDLE), "throttle": Throttle(rng=lambda: 0.999), **options}
        opened.append(HttpText(wire, ("fake-1",), dialect=dialects[wire], account=accounts[wire], **given))
        return opened[-1]

    yield make
    for client in opened:
        await client.aclose()


async def listen(stream: AsyncGenerator[TextPiece]) -> tuple[str, TextPiece | GenerationError]:
    """What was said, and the last piece or the error."""
    said: list[TextPiece] = []
    try:
        async for piece in stream:
            assert not said or said[-1].finish_reason is None, "nothing comes behind the last piece"
            said.append(piece)
    except GenerationError as error:
        return "".join(piece.text for piece in said), error
    return "".join(piece.text for piece in said), said[-1]


# --- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["openai", "custom", "anthropic"])
async def test_an_answer_comes_in_pieces_and_ends_with_the_usage(connect: Connect, wire: str) -> None:
    pieces = [piece async for piece in connect(wire).stream(SPEC)]

    assert "".join(piece.text for piece in pieces) == ANSWER
    assert pieces[-1] == TextPiece("", "stop", 4, TOKENS, "fake-1")
    assert [piece.finish_reason for piece in pieces[:-1]] == [None] * TOKENS
    assert {piece.model for piece in pieces} == {"fake-1"}


@pytest.mark.parametrize("wire", ["openai", "custom", "anthropic"])
async def test_the_limit_of_tokens_is_obeyed_and_said(connect: Connect, wire: str) -> None:
    spec = TextSpec(SPEC.turns, "fake-1", max_tokens=3)

    assert await listen(connect(wire).stream(spec)) == (BEGINNING, TextPiece("", "length", 4, 3, "fake-1"))


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("quirk", sorted(QUIRKS.keys() - {"lingers"}))
async def test_an_odd_answer_is_as_good_as_a_proper_one(
    fake: FakeLLM, connect: Connect, wire: str, quirk: str
) -> None:
    fake.script(quirk)

    said, last = await listen(connect(wire).stream(SPEC))

    prompt, completion = (None, None) if (quirk, wire) == ("no-usage", "openai") else (4, TOKENS)
    assert said == ANSWER
    assert last == TextPiece("", "stop", prompt, completion, "fake-1")


@pytest.mark.parametrize("wire", FORMATS)
async def test_a_server_that_does_not_hang_up_is_not_waited_for(
    fake: FakeLLM, connect: Connect, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is complete: what comes of the connection afterwards is nobody's problem."""
    monkeypatch.setattr(http_text, "LAST_WORDS", 0.05)
    fake.script("lingers")

    said, last = await listen(connect(wire, bounds=Bounds(60, 60)).stream(SPEC))

    assert (said, last) == (ANSWER, TextPiece("", "stop", 4, TOKENS, "fake-1"))
    await wait_until(lambda: fake.open_connections == 0, "the connection is closed")


@pytest.mark.parametrize("wire", FORMATS)
async def test_a_connection_serves_one_answer_after_the_other(
    fake: FakeLLM, connect: Connect, wire: str
) -> None:
    client = connect(wire)
    for _ in range(3):
        await listen(client.stream(SPEC))

    assert (fake.total, fake.connections) == (3, 1)


@pytest.mark.parametrize("wire", FORMATS)
async def test_what_the_api_is_sent(fake: FakeLLM, connect: Connect, wire: str) -> None:
    """One header with the key, plain bytes, and half a surrogate pair as JSON knows it."""
    client = connect(wire)
    await listen(client.stream(TextSpec((Turn("user", "cat \ud83d"),), "fake-1")))

    call = fake.log[0]
    headers = {
        "openai": {"authorization": f"Bearer {KEY}"},
        "anthropic": {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
    }[wire]
    assert call.path == {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}[wire]
    assert call.headers["accept"] == "text/event-stream"
    assert call.headers["accept-encoding"] == "identity"
    assert call.headers.items() >= headers.items()
    assert [value for value in call.headers.values() if KEY in value] == [next(iter(headers.values()))]
    assert call.document["messages"] == [{"role": "user", "content": "cat \ud83d"}]


async def test_an_api_without_a_key_is_sent_none(fake: FakeLLM, connect: Connect) -> None:
    await listen(connect("custom").stream(SPEC))

    assert "authorization" not in fake.log[0].headers


@pytest.mark.parametrize("wire", FORMATS)
async def test_an_answer_goes_on_where_somebody_else_stopped(
    fake: FakeLLM, connect: Connect, wire: str
) -> None:
    """Both APIs take it, with the white space at the end that a prefill may not have."""
    spec = TextSpec(SPEC.turns, "fake-1", max_tokens=100, said="Oh, the crowd ")

    _, last = await listen(connect(wire).stream(spec))

    assert isinstance(last, TextPiece)
    assert [turn["role"] for turn in fake.log[0].document["messages"]] == ["user", "assistant", "user"]


# --- failures -------------------------------------------------------------------------------------

# fault -> what was said before, error, retry_after
EXPECTED: dict[str, tuple[str, type[GenerationError], float | None]] = {
    "400": ("", InvalidPrompt, None),
    "401": ("", ProviderAuthError, None),
    "404": ("", ModelUnavailable, None),
    "429": ("", ProviderRateLimited, 7.0),
    "quota": ("", ProviderQuotaError, None),
    "500": ("", ProviderUnavailable, None),
    "529": ("", ProviderUnavailable, None),
    "error": (BEGINNING, ProviderUnavailable, None),
    "cut": (BEGINNING, StreamCut, None),
    "reset": (BEGINNING, StreamCut, None),
    "ends": (BEGINNING, StreamCut, None),
    "filter": (BEGINNING, ContentBlocked, None),
    "slow": ("", ProviderTimeout, None),
    "silence": (BEGINNING, ProviderTimeout, None),
    "drip": (BEGINNING, ProviderTimeout, None),
    "huge": (BEGINNING, ProviderUnavailable, None),
    "flood": (BEGINNING, ProviderUnavailable, None),
    "nonsense": (BEGINNING, ProviderUnavailable, None),
    "html": ("", ProviderUnavailable, None),
    "whole": ("", ProviderUnavailable, None),
    "squeezed": ("", ProviderUnavailable, None),
    "redirect": ("", ProviderUnavailable, None),
}


def test_the_battery_is_complete() -> None:
    assert EXPECTED.keys() == FAILURES.keys()


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("fault", EXPECTED)
async def test_every_fault_is_one_named_error_in_time(
    fake: FakeLLM, connect: Connect, wire: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.manners = Manners(retry_after=7)
    client = connect(wire, bounds=Bounds(DEADLINE, IDLE, 16 * 1024))
    fake.script(fault)
    started = asyncio.get_running_loop().time()

    said, error = await listen(client.stream(SPEC))

    assert asyncio.get_running_loop().time() - started <= DEADLINE + 2
    assert isinstance(error, GenerationError)
    assert (said, type(error), error.retry_after) == EXPECTED[fault]
    assert KEY not in str(error)
    assert KEY not in caplog.text
    assert await listen(client.stream(SPEC)) == (ANSWER, TextPiece("", "stop", 4, TOKENS, "fake-1"))


@pytest.mark.parametrize(
    ("wire", "fault", "message"),
    [
        ("openai", "401", "OpenAI answered 401 (Incorrect API key provided: ***): check OPENAI_API_KEY"),
        (
            "anthropic",
            "401",
            "Anthropic answered 401 (Incorrect API key provided: ***): check ANTHROPIC_API_KEY",
        ),
        (
            "openai",
            "quota",
            (
                "OpenAI answered 429 (You exceeded your current quota): "
                "the account of OPENAI_API_KEY has no credit left"
            ),
        ),
        (
            "custom",
            "404",
            (
                "the custom provider answered 404 "
                "(The model does not exist or you do not have access to it): "
                "set CHAT_CUSTOM_MODELS to models it serves, and see that CHAT_CUSTOM_URL ends where "
                "/chat/completions begins"
            ),
        ),
        ("anthropic", "error", "Anthropic broke off (Overloaded)"),
        ("openai", "cut", "OpenAI broke off (RemoteProtocolError)"),
        ("openai", "silence", "OpenAI said nothing for 1 s"),
        ("openai", "drip", "OpenAI did not finish within 3 s"),
        ("openai", "huge", "OpenAI: an event is longer than 262144 bytes"),
        ("openai", "html", "OpenAI answered with text/html instead of a stream of events"),
        ("openai", "squeezed", "OpenAI: the answer is compressed, which was not asked for"),
        ("openai", "redirect", "OpenAI answered 307"),
    ],
)
async def test_an_error_says_who_what_and_what_to_do(
    fake: FakeLLM, connect: Connect, wire: str, fault: str, message: str
) -> None:
    fake.script(fault)

    _, error = await listen(connect(wire).stream(SPEC))

    assert str(error) == message


async def test_an_api_that_is_not_there_is_out_of_reach(connect: Connect) -> None:
    async with FakeLLM() as gone:
        port = gone.port
    client = HttpText(
        "openai", ("m",), dialect=Messages(), account=Account(OPENAI, f"http://127.0.0.1:{port}", KEY)
    )

    _, error = await listen(client.stream(SPEC))
    await client.aclose()

    assert type(error) is ProviderUnavailable
    assert str(error) == "OpenAI is out of reach (ConnectError)"


@pytest.mark.parametrize(
    ("failure", "kind", "message"),
    [
        (httpx.ConnectTimeout("slow"), ProviderTimeout, "OpenAI did not take the connection in time"),
        (
            httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"),
            ProviderUnavailable,
            "OpenAI is out of reach (LocalProtocolError)",
        ),
    ],
)
async def test_a_broken_wire_is_one_named_error(
    connect: Connect, failure: Exception, kind: type[GenerationError], message: str
) -> None:
    """What loopback cannot be made to do."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise failure

    client = connect("openai")
    await client.aclose()
    client._client = httpx.AsyncClient(transport=httpx.MockTransport(fail))

    _, error = await listen(client.stream(SPEC))

    assert (type(error), str(error)) == (kind, message)


@pytest.mark.parametrize("wire", FORMATS)
async def test_an_answer_longer_than_we_read_ends_there(fake: FakeLLM, connect: Connect, wire: str) -> None:
    """It is the text that counts, in bytes: on the wire even a short answer is longer."""
    client = connect(wire, bounds=Bounds(DEADLINE, IDLE, len(BEGINNING)))

    assert await listen(client.stream(SPEC)) == (BEGINNING, TextPiece("", "length", None, None, "fake-1"))
    await wait_until(lambda: fake.open_connections == 0, "the model has stopped writing")


@pytest.mark.parametrize("wire", FORMATS)
async def test_half_a_surrogate_pair_from_the_api_is_made_harmless(
    fake: FakeLLM, connect: Connect, wire: str
) -> None:
    """JSON may name one, and no encoder behind us takes it."""
    fake.manners = Manners(answer="a cat \ud83d and 🚀")

    said, _ = await listen(connect(wire).stream(SPEC))

    assert said == "a cat \ufffd and 🚀"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
async def test_a_number_that_json_does_not_have_is_refused(
    fake: FakeLLM, connect: Connect, number: float
) -> None:
    spec = TextSpec(SPEC.turns, "fake-1", temperature=number)

    _, error = await listen(connect("openai").stream(spec))

    assert (type(error), fake.total) == (InvalidPrompt, 0)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("fault", ["squeezed", "html", "error", "huge", "nonsense", "silence", "filter"])
async def test_a_connection_with_something_left_on_it_is_not_used_again(
    fake: FakeLLM, connect: Connect, wire: str, fault: str
) -> None:
    """Read to the end, or closed; the next answer must not begin with the rest of this one."""
    client = connect(wire)
    fake.script(fault)

    await listen(client.stream(SPEC))
    read_to_the_end = fault == "html"
    await wait_until(lambda: fake.open_connections == read_to_the_end, "the connection is given up")
    said, _ = await listen(client.stream(SPEC))

    assert (said, fake.connections) == (ANSWER, 1 if read_to_the_end else 2)


# --- hanging up -----------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("fault", ["silence", "flood"])
async def test_closing_the_generator_hangs_up_at_once(
    fake: FakeLLM, connect: Connect, wire: str, fault: str
) -> None:
    fake.script(fault)
    stream = connect(wire, bounds=Bounds(60, 60)).stream(SPEC)
    said = "".join([(await anext(stream)).text for _ in range(3)])

    await stream.aclose()

    assert said == BEGINNING
    await wait_until(lambda: fake.open_connections == 0, "the API has noticed", timeout=1)


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("fault", ["slow", "silence"])
async def test_a_cancelled_call_hangs_up_and_is_nothing_but_cancelled(
    fake: FakeLLM, connect: Connect, wire: str, fault: str
) -> None:
    fake.script(fault)
    call = asyncio.create_task(listen(connect(wire, bounds=Bounds(60, 60)).stream(SPEC)))
    await wait_until(lambda: fake.total == 1, "the API was asked")

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    await wait_until(lambda: fake.open_connections == 0, "the API has noticed", timeout=1)


async def test_a_slow_listener_is_not_the_providers_silence(fake: FakeLLM, connect: Connect) -> None:
    """Between two pieces the caller may take longer than the idle timeout, and is not interrupted."""
    client = connect("openai", bounds=Bounds(60, 0.6))
    stream = client.stream(SPEC)
    first = await anext(stream)

    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(0.9, woken.set)
    await woken.wait()

    said, last = await listen(stream)
    assert first.text + said == ANSWER
    assert isinstance(last, TextPiece)


async def test_many_answers_at_one_time_do_not_mix(fake: FakeLLM, connect: Connect) -> None:
    fake.manners = Manners(token_time=0.002)
    patient = Bounds(30, 30)  # forty answers share a busy machine; how fast they come is not the question
    clients = [connect(wire, bounds=patient) for wire in FORMATS]

    answers = await asyncio.gather(
        *(listen(client.stream(TextSpec(SPEC.turns, f"fake-{n}"))) for n in range(20) for client in clients)
    )

    assert [said for said, _ in answers] == [ANSWER] * 40
    assert [last.model for _, last in answers if isinstance(last, TextPiece)] == [
        f"fake-{n}" for n in range(20) for _ in FORMATS
    ]


# --- the throttle ---------------------------------------------------------------------------------


async def test_an_api_that_is_down_is_spared_most_calls(fake: FakeLLM, connect: Connect) -> None:
    client = connect("openai", throttle=Throttle(clock=lambda: 0.0, rng=lambda: 0.5))
    fake.script(*["500"] * 10)

    errors = [(await listen(client.stream(SPEC)))[1] for _ in range(10)]

    assert fake.total == 2
    assert str(errors[-1]) == "the provider has been refusing calls; this one was not sent"


@pytest.mark.parametrize("fault", ["cut", "silence", "400", "401", "ok"])
async def test_an_api_that_takes_calls_is_not_down(fake: FakeLLM, connect: Connect, fault: str) -> None:
    """A refusal of this request, and a stream that breaks later, say nothing against the next call."""
    throttle = Throttle(clock=lambda: 0.0, rng=lambda: 0.0)
    fake.script(fault)

    await listen(connect("anthropic", throttle=throttle).stream(SPEC))

    assert throttle.refusal_probability() == 0.0
    assert [accepted for _, accepted in throttle._sent] == [True]


async def test_a_call_that_nobody_waits_for_any_more_says_nothing_either_way(
    fake: FakeLLM, connect: Connect
) -> None:
    throttle = Throttle()
    fake.script("slow")
    call = asyncio.create_task(listen(connect("openai", throttle=throttle).stream(SPEC)))
    await wait_until(lambda: fake.total == 1, "the API was asked")
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call

    assert list(throttle._sent) == []


# --- the fake keeps its own promises --------------------------------------------------------------


@pytest.mark.parametrize("wire", FORMATS)
async def test_a_fault_can_be_asked_for_in_the_message_and_by_the_model(connect: Connect, wire: str) -> None:
    client = connect(wire)
    said = TextSpec((Turn("user", "please !filter this"),), "fake-1")
    named = TextSpec(SPEC.turns, "fake-404")

    assert type((await listen(client.stream(said)))[1]) is ContentBlocked
    assert type((await listen(client.stream(named)))[1]) is ModelUnavailable


def test_a_fault_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsensical"):
        FakeLLM().script("ok", "nonsensical")


async def test_the_fake_takes_its_time(fake: FakeLLM, connect: Connect) -> None:
    fake.manners = Manners(latency=0.1, token_time=0.02, answer="one two three")
    started = asyncio.get_running_loop().time()

    await listen(connect("openai").stream(SPEC))

    assert asyncio.get_running_loop().time() - started >= 0.1 + 3 * 0.02


@pytest.mark.parametrize(
    "document",
    [
        None,
        {"model": "fake-1", "messages": [{"role": "user", "content": "x"}], "stream": True},
        {"messages": [{"role": "system", "content": "x"}]},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "x "}]},
        {"messages": [{"role": "user", "content": " "}]},
        {"messages": [{"role": "user"}]},
        {"messages": [5]},
        {"messages": [{"role": "user", "content": "x"}], "temperature": 1.1},
    ],
)
async def test_the_fake_refuses_what_anthropic_refuses(fake: FakeLLM, document: Any) -> None:
    """Or the tests of the client would prove little."""
    base = {"model": "fake-1", "max_tokens": 5, "stream": True}
    sent = document if document is None or "model" in document else base | document

    async with httpx.AsyncClient(trust_env=False) as visitor:
        answer = await visitor.post(f"{fake.base_url}/v1/messages", json=sent)

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "document", [None, [], {"model": "x"}, {"model": "x", "messages": [5], "stream": True}]
)
async def test_the_fake_refuses_what_openai_refuses(fake: FakeLLM, document: Any) -> None:
    async with httpx.AsyncClient(trust_env=False) as visitor:
        answer = await visitor.post(f"{fake.openai_url}/chat/completions", json=document)
        elsewhere = await visitor.get(f"{fake.base_url}/v2")

    assert (answer.status_code, elsewhere.status_code) == (400, 404)


async def test_other_processes_can_count_the_calls_and_list_the_models(
    fake: FakeLLM, connect: Connect
) -> None:
    for wire in FORMATS:
        await listen(connect(wire).stream(SPEC))

    async with httpx.AsyncClient(trust_env=False) as visitor:
        calls = (await visitor.get(f"{fake.base_url}/_calls")).json()
        models = (await visitor.get(f"{fake.openai_url}/models")).json()

    assert calls == {"total": 2, "by_prompt": {"how do I win?": 2}}
    assert [model["id"] for model in models["data"]] == ["fake-1", *(f"fake-{name}" for name in FAULTS)]


async def test_serve_runs_until_cancelled_and_the_settings_lead_to_it() -> None:
    """The way a demo uses it: a command serves, three variables point there, no keys."""
    listening: asyncio.Future[FakeLLM] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(Manners(), ready=listening.set_result))
    fake = await listening
    environ = {
        "OPENAI_BASE_URL": fake.openai_url,
        "ANTHROPIC_BASE_URL": fake.base_url,
        "CHAT_CUSTOM_URL": fake.openai_url,
    }
    models = open_text_models(Settings.from_env(environ))

    heard = {}
    for provider, name in [("openai", None), ("anthropic", None), ("custom", "fake-1")]:
        model, chosen = models.choose(provider, name)
        said, last = await listen(model.stream(TextSpec(SPEC.turns, chosen, max_tokens=1000)))
        heard[model.name] = (said, last.model if isinstance(last, TextPiece) else last)
    await models.aclose()
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)

    assert heard == {
        "openai": (ANSWER, "gpt-4o-mini"),
        "anthropic": (ANSWER, "claude-haiku-4-5"),
        "custom": (ANSWER, "fake-1"),
    }
    fields = [call.document.keys() & {"max_tokens", "max_completion_tokens"} for call in fake.log]
    assert fields == [{"max_completion_tokens"}, {"max_tokens"}, {"max_tokens"}]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(fake.host, fake.port)
