"""The client of chat against pods that die, repeat themselves and forget; text that attacks a terminal."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from memebattle.chat.events import MessageComplete
from memebattle.chat.messages import ChunkError, ChunkMetadata, ResponseChunk
from memebattle.cli.chat import _urls
from memebattle.cli.chat_answers import NotResumable
from memebattle.cli.chat_client import ChatClient, Searching
from memebattle.cli.chat_telling import Answer
from memebattle.cli.foreign import Prose, printable, printable_line
from memebattle.cli.output import Problem

ONE, TWO = "http://one:1", "http://two:2"


class Pods:
    """Two pods in one. `streams` is what each connection in turn is told; `None` is a dead pod."""

    def __init__(self) -> None:
        self.streams: list[list[str | Exception] | int | None] = []
        self.requests: list[httpx.Request] = []
        self.refusals: list[httpx.Response | Exception] = []
        self.posted: list[dict[str, Any]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/api/sse":
            return self._stream(request)
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, Exception):
                raise refusal
            return refusal
        if request.method == "POST":
            self.posted.append(json.loads(request.content))
        return httpx.Response(202, json={"status": "accepted"})

    def _stream(self, request: httpx.Request) -> httpx.Response:
        events = self.streams.pop(0) if self.streams else None
        if events is None:
            raise httpx.ConnectError("connection refused", request=request)
        if isinstance(events, int):
            return problem(events)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=self._told(events))

    async def _told(self, events: list[str | Exception]) -> AsyncIterator[bytes]:
        yield b"event: connected\ndata: {}\n\n"
        for event in events:
            if isinstance(event, Exception):
                raise event
            body = self.posted[-1]
            yield event.replace("MSG", body["message_id"]).replace("SESS", body["session_id"]).encode()

    @property
    def resumed_after(self) -> list[str | None]:
        """The Last-Event-ID of each connection."""
        return [each.headers.get("last-event-id") for each in self.requests if each.url.path == "/api/sse"]


def problem(status: int, name: str = "not-resumable", detail: str = "it is gone") -> httpx.Response:
    return httpx.Response(status, json={"type": f"urn:memebattle:problem:{name}", "detail": detail})


def chunk(number: int, text: str = "", *, final: bool = False, message: str = "MSG") -> str:
    fields = {"chunk_id": number, "chunk": text, "chunk_type": "metadata" if final else "content"}
    body = {"session_id": "SESS", "message_id": message, "is_final": final, **fields}
    return f"id: 10{number}-{number}\nevent: chunk\ndata: {json.dumps(body)}\n\n"


def complete(chunks: int, message: str = "MSG") -> str:
    body = {
        "session_id": "SESS",
        "message_id": message,
        "chunks": chunks,
        "metadata": {"finish_reason": "stop"},
    }
    return f"id: 10{chunks}-end\nevent: message_complete\ndata: {json.dumps(body)}\n\n"


WHOLE = [chunk(0, "a "), chunk(1, "cat"), chunk(2, final=True), complete(3)]
CUT = httpx.ReadError("the pod died")


@pytest.fixture
def pods() -> Pods:
    return Pods()


@pytest.fixture
async def client(pods: Pods) -> AsyncIterator[ChatClient]:
    async def no_sleep(_: float) -> None:
        """Time is not what is tested."""

    chat = ChatClient([ONE, TWO], "s1", transport=httpx.MockTransport(pods), sleep=no_sleep)
    yield chat
    await chat.aclose()


async def asked(client: ChatClient, message: str = "hi") -> tuple[str, MessageComplete]:
    """The text of an answer, and its end."""
    told = [each async for each in client.ask(message)]
    end = told.pop()
    assert isinstance(end, MessageComplete)
    return "".join(each.chunk for each in told if isinstance(each, ResponseChunk)), end


async def test_a_message_is_posted_once_the_connection_stands(client: ChatClient, pods: Pods) -> None:
    """Then no chunk can pass before somebody listens."""
    pods.streams = [WHOLE]

    text, end = await asked(client, "a caption")

    assert (text, end.chunks) == ("a cat", 3)
    assert [(each.method, each.url.path) for each in pods.requests] == [
        ("GET", "/api/sse"),
        ("POST", "/api/chat"),
    ]
    assert pods.posted[0]["message"] == "a caption"
    assert pods.posted[0]["session_id"] == "s1"


async def test_context_that_was_not_given_is_not_sent(client: ChatClient, pods: Pods) -> None:
    pods.streams = [WHOLE]

    async for _ in client.ask("hi", {"model": "gpt-4", "temperature": None}):
        pass

    assert pods.posted[0]["context"] == {"model": "gpt-4"}


async def test_when_a_pod_dies_the_other_goes_on_behind_the_last_event(
    client: ChatClient, pods: Pods
) -> None:
    pods.streams = [[chunk(0, "a "), CUT], [chunk(1, "cat"), chunk(2, final=True), complete(3)]]

    text, _ = await asked(client)

    assert text == "a cat"
    assert pods.resumed_after == [None, "100-0"]
    assert [each.url.host for each in pods.requests] == ["one", "one", "two"]
    assert client.reconnects == 1
    assert len(pods.posted) == 1


async def test_a_stream_that_ends_early_is_taken_up_again(client: ChatClient, pods: Pods) -> None:
    """A pod that stops ends its streams in good order."""
    pods.streams = [[chunk(0, "a ")], [chunk(1, "cat"), chunk(2, final=True), complete(3)]]

    assert (await asked(client))[0] == "a cat"


async def test_a_chunk_that_comes_twice_is_told_once(client: ChatClient, pods: Pods) -> None:
    pods.streams = [[chunk(0, "a "), chunk(0, "a "), CUT], WHOLE]

    assert (await asked(client))[0] == "a cat"


async def test_answers_to_others_are_not_told(client: ChatClient, pods: Pods) -> None:
    """A connection hears all of its session, also what was asked elsewhere."""
    pods.streams = [[chunk(0, "not ours", message="m0"), complete(1, message="m0"), *WHOLE]]

    text, end = await asked(client)

    assert text == "a cat"
    assert end.message_id == client.message_id


async def test_the_next_question_goes_on_behind_the_last_answer(client: ChatClient, pods: Pods) -> None:
    pods.streams = [WHOLE, WHOLE]

    await asked(client)
    await asked(client)

    assert pods.resumed_after == [None, "103-end"]


async def test_what_was_forgotten_before_the_question_is_no_loss(client: ChatClient, pods: Pods) -> None:
    """A session that was silent for longer than its chunks are kept begins to listen anew."""
    pods.streams = [WHOLE, 410, WHOLE]

    await asked(client)

    assert (await asked(client))[0] == "a cat"
    assert pods.resumed_after == [None, "103-end", None]


@pytest.mark.parametrize("told", [410, ['id\nevent: not_resumable\ndata: {"reason": "it is gone"}\n\n']])
async def test_a_part_that_is_gone_is_said_to_be_gone(client: ChatClient, pods: Pods, told: Any) -> None:
    """By the status of the connection or by its last event."""
    pods.streams = [[chunk(0, "a "), CUT], told]

    with pytest.raises(NotResumable, match="it is gone"):
        await asked(client)


async def test_a_hole_in_the_answer_is_no_answer(client: ChatClient, pods: Pods) -> None:
    pods.streams = [[chunk(0, "a "), chunk(2, final=True)]]

    with pytest.raises(NotResumable, match="chunk 1"):
        await asked(client)


async def test_after_a_loss_the_session_can_be_asked_again(client: ChatClient, pods: Pods) -> None:
    pods.streams = [[chunk(0, "a "), CUT], 410, WHOLE]
    with pytest.raises(NotResumable):
        await asked(client)

    assert (await asked(client))[0] == "a cat"


async def test_when_no_pod_is_in_reach_for_a_while_it_says_so_and_keeps_looking(
    client: ChatClient, pods: Pods
) -> None:
    pods.streams = [[chunk(0, "a "), CUT], None, None, None, None, [*WHOLE]]

    told = [each async for each in client.ask("hi")]

    assert [each.reason for each in told if isinstance(each, Searching)] == ["connection refused"]
    assert isinstance(told[-1], MessageComplete)


async def test_when_there_never_was_a_pod_it_gives_up(client: ChatClient) -> None:
    with pytest.raises(Problem, match="no gateway answers at http://one:1, http://two:2") as raised:
        await asked(client)

    assert raised.value.why == "connection refused"
    assert "memebattle up" in raised.value.do


async def test_a_pod_that_cannot_take_the_message_is_passed_over(client: ChatClient, pods: Pods) -> None:
    pods.streams = [WHOLE]
    pods.refusals = [problem(503, "nats-unavailable", "NATS is out of reach"), httpx.ConnectError("refused")]

    assert (await asked(client))[0] == "a cat"
    assert [each.url.host for each in pods.requests if each.method == "POST"] == ["one", "two", "one"]


async def test_a_refused_message_is_not_sent_again(client: ChatClient, pods: Pods) -> None:
    pods.streams = [WHOLE]
    pods.refusals = [problem(422, "invalid-request", "#/message: too long\x1b[2J")]

    with pytest.raises(Problem) as raised:
        await asked(client)

    assert raised.value.what == "the gateway refuses: #/message: too long␛[2J"
    assert raised.value.code == 2
    assert sum(each.method == "POST" for each in pods.requests) == 1


@pytest.mark.parametrize(
    "response",
    [httpx.Response(200, text="<html>"), httpx.Response(404, text="Not Found")],
    ids=["a page", "nothing"],
)
async def test_something_else_on_that_port_is_recognised(response: httpx.Response) -> None:
    client = ChatClient([ONE], transport=httpx.MockTransport(lambda _: response))

    with pytest.raises(Problem, match="http://one:1 is no gateway"):
        await asked(client)
    await client.aclose()


async def test_stopping_names_the_message_and_its_session(client: ChatClient, pods: Pods) -> None:
    pods.streams = [WHOLE]
    await asked(client)

    await client.stop()

    last = pods.requests[-1]
    assert (last.method, last.url.path) == ("DELETE", f"/api/chat/{client.message_id}")
    assert last.url.params["session_id"] == "s1"


def end(finish_reason: Any, error: ChunkError | None = None) -> Answer:
    metadata = ChunkMetadata(model="m-1", tokens_used=41, finish_reason=finish_reason)
    said = MessageComplete(session_id="s", message_id="m", chunks=3, metadata=metadata, error=error)
    return Answer(said, first_chunk=0.0254)


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_an_answer_that_came_to_its_end_is_fine(finish_reason: str) -> None:
    end(finish_reason).require_end("nothing")


def test_an_answer_that_failed_says_why() -> None:
    failed = end("error", ChunkError(code="truncated", message="cut\x1b]0;x\x07 off"))

    with pytest.raises(Problem, match="ended in an error") as raised:
        failed.require_end("ask again")

    assert (raised.value.why, raised.value.do) == ("truncated: cut␛]0;x␇ off", "ask again")


def test_the_last_line_sums_up() -> None:
    answer = end("stop")
    answer.reconnects = 2

    assert answer.summary() == "m-1 · 41 tokens · stop · first token after 25 ms · reconnected 2x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]52;c;aGk=\x07", "␛[2J␛]52;c;aGk=␇"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("over\rwritten", "overwritten"),
        ("\x9b31mred\x7f", "\ufffd31mred␡"),
        ("in\u202every", "in\ufffdvery"),
        ("half \ud83d a face", "half \ufffd a face"),
        ("schöne Grüße 👩\u200d🚀", "schöne Grüße 👩\u200d🚀"),
    ],
)
def test_nothing_that_a_terminal_obeys_reaches_it(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_on_one_line_line_ends_are_spaces() -> None:
    assert printable_line("two\n lines\x1b") == "two lines␛"


@pytest.mark.parametrize(
    ("width", "pieces", "shown"),
    [
        (10, ["one", " two", " three"], "one two\nthree"),
        (10, ["one two ", "three\n\n", "four"], "one two\nthree\n\nfour"),
        (10, ["a wo", "rd in pie", "ces"], "a word in\npieces"),
        (10, ["  in", "dented"], "  indented"),
        (10, ["abcdefghijklm no"], "abcdefghijklm\nno"),
        (10, ["日本語の文章です"], "日本語の文\n章です"),
        (10, ["1234567890", " x"], "1234567890\nx"),
    ],
)
def test_lines_end_between_words(width: int, pieces: list[str], shown: str) -> None:
    prose = Prose(width)

    assert "".join(map(prose.feed, pieces)) + prose.rest() == shown


def test_a_word_without_end_is_not_held_back() -> None:
    assert Prose(80).feed("x" * 41) == "x" * 41


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Callable[[dict[str, Any]], None]:
    """Pretends that an `up` of ours runs and has said this of itself."""
    from memebattle.cli.connection import state_file

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return lambda said: state_file().write_text(json.dumps(said)) and None


def test_the_gateways_are_those_named_else_those_that_run_here(stack: Any) -> None:
    assert _urls(None) == ["http://127.0.0.1:8000"]
    stack({"http_url": "http://127.0.0.1:1"})
    assert _urls(None) == ["http://127.0.0.1:1"]
    stack({"http_url": "http://127.0.0.1:1", "http_urls": ["http://127.0.0.1:1", "http://127.0.0.1:2"]})
    assert _urls(None) == ["http://127.0.0.1:1", "http://127.0.0.1:2"]
    assert _urls(["https://chat.example.org/"]) == ["https://chat.example.org"]


def test_a_url_that_is_none_is_wrong_usage(stack: Any) -> None:
    with pytest.raises(Problem, match="is no address") as raised:
        _urls(["localhost:8000"])

    assert raised.value.code == 2
