"""What `bus/framework.py` holds on to inside FastStream and nats-py.

A failure here after an upgrade says which workaround has to be looked at again: either the inside moved, or
the defect is gone and the workaround can go too.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import threading
from typing import Annotated, Any

import nats
import nats.errors
import pytest
from faststream import BaseMiddleware
from faststream.nats import JStream, NatsBroker, PullSub, TestNatsBroker
from faststream.nats.subscriber.usecases import CoreSubscriber, PullStreamSubscriber
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from memebattle.bus.framework import (
    MALFORMED,
    Handling,
    Local,
    close_unheard,
    guard_headers,
    pull_subscribers,
)
from memebattle.cli.local import NatsServer
from tests.waiting import wait_until

BAD_HEADERS = b"NATS/1.0 \xff\xfe\r\n\r\n"


def test_the_versions_are_those_that_were_examined() -> None:
    assert importlib.metadata.version("faststream") == "0.7.8"
    assert importlib.metadata.version("nats-py").split(".")[:2] == ["2", "16"]


def test_nats_py_tells_what_the_server_said_before_it_says_who_we_are() -> None:
    """`bus/tls.py` raises there when TLS was asked for; the test of it listens to what is said."""
    source = inspect.getsource(Client._process_connect_init)

    assert list(inspect.signature(Client._process_info).parameters)[1:] == ["info", "initial_connection"]
    assert source.index("_process_info(srv_info, initial_connection=True)") < source.index(
        "_connect_command()"
    )


class Subscription:
    """A pull subscription whose fetch does as told."""

    def __init__(self, outcome: Any) -> None:
        self.outcome, self.asked = outcome, list[tuple[int, float | None]]()

    async def fetch(self, batch: int = 1, timeout: float | None = 5) -> Any:
        self.asked.append((batch, timeout))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def declared(**options: Any) -> Any:
    """A subscriber as `memes/handlers.py` declares it, not started."""
    subscriber = NatsBroker().subscriber("meme.request", no_reply=True, **options)

    @subscriber
    async def handler(message: str) -> None:
        """Nothing."""

    return subscriber


def pulling() -> Any:
    return declared(
        stream=JStream("MEMES", declare=False), durable="d", pull_sub=PullSub(batch_size=1, timeout=5.0)
    )


def test_subscribers_are_what_we_take_them_for() -> None:
    core, pull = declared(queue="workers"), pulling()

    assert isinstance(core, CoreSubscriber)
    assert isinstance(pull, PullStreamSubscriber)
    assert core._no_reply
    assert pull._no_reply
    assert pull_subscribers([core, pull]) == [pull]


def test_a_subscriber_knows_whether_it_is_subscribed() -> None:
    assert declared(queue="workers").subscription is None


def test_what_subscriptions_call_is_the_attribute_that_we_replace() -> None:
    assert "cb=self.consume" in inspect.getsource(CoreSubscriber._create_subscription)
    assert '"cb": self.consume' in inspect.getsource(PullStreamSubscriber._create_subscription)


def test_fetch_takes_what_the_guard_passes_on() -> None:
    parameters = inspect.signature(JetStreamContext.PullSubscription.fetch).parameters

    assert list(parameters)[:3] == ["self", "batch", "timeout"]


def test_the_pull_loop_fetches_through_the_attribute_that_we_replace() -> None:
    loop = inspect.getsource(PullStreamSubscriber._consume_pull)

    assert "self.subscription.fetch(" in loop
    assert "suppress(TimeoutError, ConnectionClosedError, ServiceUnavailableError)" in loop


async def free_slots() -> int:
    return 3


async def test_pulled_messages_are_handled_here_and_the_loop_finds_nothing() -> None:
    pull = pulling()
    pull.subscription = subscription = Subscription(["a", "b"])
    handled: list[str] = []
    pull.consume = _keep(handled)
    handling = Handling()
    handling.take_over([pull])
    handling.guard_pulls([pull], {"MEMES": free_slots})
    handling.guard_pulls([pull], {"MEMES": free_slots})  # a second time changes nothing

    assert await pull.subscription.fetch(batch=1, timeout=5) == []
    await asyncio.sleep(0)
    assert subscription.asked == [(3, 5)]
    assert handled == ["a", "b"]


def _keep(handled: list[str]) -> Any:
    async def consume(message: str) -> None:
        handled.append(message)

    return consume


async def test_what_is_not_subscribed_is_left_alone() -> None:
    Handling().guard_pulls([pulling(), declared(queue="workers")], {"MEMES": free_slots})


async def test_what_is_pulled_while_stopping_is_given_back() -> None:
    class Message:
        given_back = False

        async def nak(self) -> None:
            self.given_back = True

    pull, message, handling = pulling(), Message(), Handling()
    pull.subscription = Subscription([message])
    handling.guard_pulls([pull], {"MEMES": _stopping_meanwhile(handling)})

    assert await pull.subscription.fetch(1, 5) == []
    assert message.given_back


def _stopping_meanwhile(handling: Handling) -> Any:
    async def capacity() -> int:
        await handling.finish([], grace=1, last_words=1)
        return 1

    return capacity


@pytest.mark.parametrize(
    "error",
    [nats.errors.TimeoutError(), nats.errors.ConnectionClosedError(), OSError("reset"), TimeoutError()],
    ids=repr,
)
async def test_a_pull_that_fails_at_once_is_not_repeated_at_once(error: Exception) -> None:
    """The loop swallows these errors and starts again, without ever yielding."""
    pull = pulling()
    pull.subscription = Subscription(error)
    Handling().guard_pulls([pull], {"MEMES": free_slots})
    fetching = asyncio.create_task(pull.subscription.fetch(1, 5))
    for _ in range(50):
        await asyncio.sleep(0)

    assert not fetching.done()

    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)


async def test_unguarded_headers_raise_inside_the_client() -> None:
    """As long as this is so, one such message ends the read loop without a word."""
    with pytest.raises(UnicodeDecodeError):
        await Client()._process_headers(BAD_HEADERS)


async def test_guarded_headers_mark_the_message_and_are_counted() -> None:
    client, counted = Client(), list[int]()
    guard_headers(client, lambda: counted.append(1))

    assert await client._process_headers(BAD_HEADERS) == {MALFORMED: "1"}
    assert await client._process_headers(b"NATS/1.0\r\nA: b\r\n\r\n") == {"A": "b"}
    assert await client._process_headers(b"") is None
    assert counted == [1]


async def send_raw(server: NatsServer, *frames: bytes) -> None:
    """Speak the protocol by hand: no client would send this."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await reader.readline()
    login = f'{{"user":"developer","pass":"{server.passwords["developer"]}","headers":true,"verbose":false}}'
    writer.write(b"CONNECT " + login.encode() + b"\r\n" + b"".join(frames) + b"PING\r\n")
    while not (await reader.readline()).startswith(b"PONG"):
        pass
    writer.close()


async def test_a_connection_survives_a_message_with_broken_headers(nats_server: NatsServer) -> None:
    heard: list[Msg] = []

    async def listen(message: Msg) -> None:
        heard.append(message)

    client = await nats.connect(nats_server.url())
    guard_headers(client, lambda: None)
    await client.subscribe("x", cb=listen)
    await client.flush()
    broken = b"HPUB x %d %d\r\n" % (len(BAD_HEADERS), len(BAD_HEADERS) + 2) + BAD_HEADERS + b"hi\r\n"
    await send_raw(nats_server, broken, b"PUB x 2\r\nok\r\n")
    await wait_until(lambda: len(heard) == 2, "both messages")
    await client.close()

    assert [(message.data, message.headers) for message in heard] == [
        (b"hi", {MALFORMED: "1"}),
        (b"ok", None),
    ]


async def test_local_values_are_resolved_in_the_event_loop() -> None:
    """FastStream's own Context goes through a thread pool for each parameter."""
    seen: list[Any] = []
    broker = NatsBroker()

    class Watched:
        @property
        def value(self) -> str:
            seen.append(threading.get_ident())
            return "from the context"

    @broker.subscriber("meme.cancel.{request_id}")
    async def handler(
        value: Annotated[str, Local("watched.value")],
        request_id: Annotated[str, Local("message.path.request_id")],
    ) -> None:
        seen.extend([value, request_id])

    async with TestNatsBroker(broker) as running:
        running.context.set_global("watched", Watched())
        await running.publish(b"", "meme.cancel.r1")

    assert set(seen) == {threading.get_ident(), "from the context", "r1"}


async def test_a_middleware_finds_the_subscriber_it_serves() -> None:
    """`bus/delivery.py` asks it whether a reply is ours to give."""
    seen: list[bool] = []

    class Asking(BaseMiddleware):
        async def consume_scope(self, call_next: Any, msg: Any) -> Any:
            seen.append(self.context.get_local("handler_")._no_reply)
            return await call_next(msg)

    broker = NatsBroker(middlewares=[Asking])

    @broker.subscriber("x", no_reply=True)
    async def handler(body: str) -> None:
        """Nothing."""

    async with TestNatsBroker(broker) as running:
        await running.publish("hi", "x")

    assert seen == [True]


async def test_what_core_delivered_before_the_stop_is_still_handled(nats_server: NatsServer) -> None:
    """FastStream's stop would drop what waits behind the busy handlers."""
    handled: list[str] = []
    started, may_finish = asyncio.Event(), asyncio.Event()
    broker = NatsBroker(nats_server.url())

    @broker.subscriber("x", queue="workers")
    async def handler(body: str) -> None:
        started.set()
        await may_finish.wait()
        handled.append(body)

    async with broker:
        handling = Handling()
        handling.take_over(broker.subscribers)
        await broker.start()
        for number in range(6):
            await broker.publish(str(number), "x")
        await started.wait()
        draining = asyncio.create_task(handling.finish(broker.subscribers, grace=10, last_words=1))
        may_finish.set()
        await draining

    assert sorted(handled) == ["0", "1", "2", "3", "4", "5"]


async def test_waiting_for_handlers_ends_in_time(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()
    broker = NatsBroker(nats_server.url(), graceful_timeout=0.01)

    @broker.subscriber("x", queue="workers")
    async def handler(body: str) -> None:
        started.set()
        await asyncio.Event().wait()

    async with broker:
        handling = Handling()
        handling.take_over(broker.subscribers)
        await broker.start()
        await broker.publish("1", "x")
        await started.wait()
        await handling.finish(broker.subscribers, grace=0.05, last_words=1)

    assert "Handlers did not end in time" in caplog.text


async def test_a_cancelled_handler_may_still_say_its_last_words(nats_server: NatsServer) -> None:
    """FastStream's own stop would close the connection before the nak is out."""
    started = asyncio.Event()
    heard: list[Msg] = []

    async def listen(message: Msg) -> None:
        heard.append(message)

    listener = await nats.connect(nats_server.url())
    await listener.subscribe("last.words", cb=listen)
    await listener.flush()
    broker = NatsBroker(nats_server.url(), graceful_timeout=0.01)

    async def last_words() -> None:
        for _ in range(5):
            await asyncio.sleep(0)
        await broker.publish("not finished", "last.words")

    @broker.subscriber("x", queue="workers")
    async def handler(body: str) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            # shielded, because anyio cancels again at every await
            await asyncio.shield(last_words())

    async with broker:
        handling = Handling()
        handling.take_over(broker.subscribers)
        await broker.start()
        await broker.publish("1", "x")
        await started.wait()
        await handling.finish(broker.subscribers, grace=0.01, last_words=5)
    await wait_until(lambda: heard, "the last words")
    await listener.close()


class ClosedTransport:
    """As uvloop's, once its server has gone."""

    def writelines(self, _: list[bytes]) -> None:
        raise RuntimeError("the handler is closed")

    async def drain(self) -> None: ...

    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...


def unheard() -> Client:
    """A client that has something to say to a server that is gone."""
    client: Any = Client()
    client._status, client._transport, client._current_server = (
        Client.RECONNECTING,
        ClosedTransport(),
        object(),
    )
    client._flush_queue = asyncio.Queue()
    client._pending, client._pending_data_size = [b"PING\r\n"], 6
    found: Client = client
    return found


async def test_a_client_cannot_close_while_it_has_something_to_say_to_nobody() -> None:
    with pytest.raises(RuntimeError, match="the handler is closed"):
        await unheard().close()


async def test_what_nobody_would_hear_is_dropped_and_the_connection_closed() -> None:
    client = unheard()

    await close_unheard(client)

    assert client.is_closed
