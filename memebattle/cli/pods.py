"""`memebattle pods`: the gateways of chat, asked how they are, or listened to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

from memebattle.bus.subjects import CHAT_HEALTH, CHAT_HEARTBEAT, CHAT_ROLL_CALL, fill, is_token
from memebattle.chat.messages import HealthResponse, HeartbeatMessage  # here, or it would count as round trip
from memebattle.cli.connection import connected, nats_url
from memebattle.cli.foreign import printable_line
from memebattle.cli.output import FAILED, USAGE, Problem, console, emit, note

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from rich.table import Table

app = typer.Typer()

HEALTH_TIMEOUT = 2.0  # seconds
ROLL_CALL = 0.5  # seconds; every pod replies in a few milliseconds or is not well
MISSED_BEATS = 30.0  # seconds: three heartbeats
COLOURS = {"healthy": "green", "stopping": "yellow"}


@dataclass(slots=True)
class PodState:
    """What a pod said of itself. `round_trip` is in seconds, `heard` a monotonic time."""

    pod_id: str
    status: str
    connections: int | None = None
    round_trip: float | None = None
    memory_mb: float | None = None
    cpu_percent: float | None = None
    reason: str = ""
    heard: float = field(default_factory=time.monotonic)

    def as_data(self) -> dict[str, Any]:
        """Without what is not known."""
        data = {
            "pod_id": self.pod_id,
            "status": self.status,
            "active_connections": self.connections,
            "round_trip_ms": None if self.round_trip is None else round(self.round_trip * 1000, 3),
            "memory_usage_mb": self.memory_mb,
            "cpu_usage_percent": self.cpu_percent,
            "reason": self.reason or None,
        }
        return {name: value for name, value in data.items() if value is not None}


@app.command()
def pods(
    pod_ids: Annotated[list[str] | None, typer.Argument(help="Ask only these, each by itself")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Listen to heartbeats, until Ctrl-C")] = False,
    timeout: Annotated[float | None, typer.Option(help="With --watch: stop after so many seconds")] = None,
    url: Annotated[
        str | None, typer.Option("--nats-url", help="NATS server [NATS_URL, else the running `up`]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line")] = False,
) -> None:
    """Ask the gateways of chat how they are. Exit 1 if one of them is not well, or nobody answers.

    Example: memebattle pods gateway-1 gateway-2
    """
    if unusable := [each for each in pod_ids or () if not is_token(each)]:
        raise Problem(f"{unusable[0]!r} is no pod id", do="`memebattle pods` lists them", code=USAGE)
    if watch:
        work = _watch(nats_url(url), frozenset(pod_ids or ()), timeout, json=json)
    elif pod_ids:
        work = _ask_each(nats_url(url), pod_ids, json=json)
    else:
        work = _roll_call(nats_url(url), json=json)
    if not asyncio.run(work):
        raise typer.Exit(FAILED)


async def _ask_each(url: str, pod_ids: Sequence[str], *, json: bool) -> bool:
    async with _connected(url) as client:
        states = await asyncio.gather(*(ask(client, pod_id) for pod_id in pod_ids))
    for state in states:
        if json:
            emit(state.as_data())
        elif state.reason:
            console().print(
                f"[red]✗[/] {state.pod_id}  [red]Pod unhealthy:[/] {state.reason}", soft_wrap=True
            )
        else:
            console().print(f"[green]✓[/] {state.pod_id}  {_in_words(state)}", soft_wrap=True)
    return not any(state.reason for state in states)


async def ask(client: Client, pod_id: str, timeout: float = HEALTH_TIMEOUT) -> PodState:
    """How this pod is; unhealthy, with the reason, when it does not say that it is well."""
    from nats.errors import Error, NoRespondersError
    from pydantic import ValidationError

    asked = time.perf_counter()
    try:
        reply = await client.request(fill(CHAT_HEALTH, pod_id=pod_id), b"{}", timeout=timeout)
        state = _state_of(reply.data, time.perf_counter() - asked)
    except NoRespondersError:
        return PodState(pod_id, "unhealthy", reason="no pod of this name is connected")
    except (Error, TimeoutError):
        return PodState(pod_id, "unhealthy", reason=f"no reply within {timeout:g} s")
    except ValidationError:
        return PodState(pod_id, "unhealthy", reason="its reply cannot be read")
    state.pod_id = pod_id
    if state.status != "healthy":
        state.reason = f"it says that it is {state.status}"
    return state


async def _roll_call(url: str, *, json: bool) -> bool:
    async with _connected(url) as client:
        states = await roll_call(client)
    if not states:
        raise Problem(
            "no pod answers", "no gateway is connected to this NATS", "`memebattle up` starts one with NATS"
        )
    for state in states if json else ():
        emit(state.as_data())
    if not json:
        console().print(_table(states, _ROLL_CALL_COLUMNS))
    return all(state.status == "healthy" for state in states)


async def roll_call(client: Client, wait: float = ROLL_CALL) -> list[PodState]:
    """Every pod that replies within `wait` seconds."""
    states: dict[str, PodState] = {}

    async def hear(reply: Msg) -> None:
        taken = time.perf_counter() - asked
        with _ignoring_what_cannot_be_read():
            state = _state_of(reply.data, taken)
            states[state.pod_id] = state

    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox, cb=hear)
    asked = time.perf_counter()
    await client.publish(CHAT_ROLL_CALL, b"{}", reply=inbox)
    await client.flush()
    await asyncio.sleep(wait)
    await subscription.unsubscribe()
    return sorted(states.values(), key=lambda state: state.pod_id)


async def _watch(url: str, wanted: frozenset[str], timeout: float | None, *, json: bool) -> bool:
    from rich.live import Live

    states: dict[str, PodState] = {}
    async with _connected(url) as client:

        async def hear(message: Msg) -> None:
            with _ignoring_what_cannot_be_read():
                state = _beat_of(message.data)
                if not wanted or state.pod_id in wanted:
                    states[state.pod_id] = state
                    told(state)

        at_terminal = console().is_terminal and not json
        told: Callable[[PodState], None] = _nothing if at_terminal else emit_state if json else print_state
        states |= {
            each.pod_id: each for each in await roll_call(client) if not wanted or each.pod_id in wanted
        }
        for state in states.values():
            told(state)
        await client.subscribe(CHAT_HEARTBEAT.format(pod_id="*"), cb=hear)
        note("listening to heartbeats, one in ten seconds from each pod", quiet=json)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                if not at_terminal:
                    await asyncio.Event().wait()
                with Live(console=console(), auto_refresh=False) as live:
                    while True:
                        live.update(_table(_in_order(states), _WATCH_COLUMNS), refresh=True)
                        await asyncio.sleep(0.5)
    return True


def _nothing(_: PodState) -> None:
    """The table is shown instead."""


def emit_state(state: PodState) -> None:
    emit(state.as_data())


def print_state(state: PodState) -> None:
    """A line for a pipe."""
    print(f"{state.pod_id}  {_in_words(state)}", flush=True)


def _in_order(states: dict[str, PodState]) -> list[PodState]:
    now = time.monotonic()
    for state in states.values():
        if now - state.heard > MISSED_BEATS:
            state.status = "silent"
    return [states[pod_id] for pod_id in sorted(states)]


def _in_words(state: PodState) -> str:
    parts = [state.status, f"{state.connections} connections"]
    if state.round_trip is not None:
        parts.append(f"{state.round_trip * 1000:.1f} ms")
    if state.memory_mb is not None:
        parts.append(f"{state.memory_mb:.0f} MB")
    if state.cpu_percent is not None:
        parts.append(f"{state.cpu_percent:.1f} % CPU")
    return "  ".join(parts)


type _Column = tuple[str, Callable[[PodState], str]]

_ROLL_CALL_COLUMNS: Sequence[_Column] = (
    ("connections", lambda state: f"{state.connections:,}"),
    ("round trip", lambda state: f"{(state.round_trip or 0) * 1000:.1f} ms"),
)
_WATCH_COLUMNS: Sequence[_Column] = (
    ("connections", lambda state: f"{state.connections:,}"),
    ("memory", lambda state: "" if state.memory_mb is None else f"{state.memory_mb:.0f} MB"),
    ("CPU", lambda state: "" if state.cpu_percent is None else f"{state.cpu_percent:.1f} %"),
    ("heard", lambda state: f"{time.monotonic() - state.heard:.0f} s ago"),
)


def _table(states: Iterable[PodState], columns: Sequence[_Column]) -> Table:
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(Column("pod", overflow="fold"), "status", box=None)
    for heading, _ in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for state in states:
        status = Text(state.status, style=COLOURS.get(state.status, "red"))
        table.add_row(Text(state.pod_id), status, *(value(state) for _, value in columns))
    return table


def _state_of(reply: bytes, round_trip: float) -> PodState:
    said = HealthResponse.model_validate(reply)
    return PodState(printable_line(said.pod_id), said.status, said.active_connections, round_trip)


def _beat_of(message: bytes) -> PodState:
    said = HeartbeatMessage.model_validate(message)
    return PodState(
        printable_line(said.pod_id),
        "healthy",
        said.active_connections,
        memory_mb=said.memory_usage_mb,
        cpu_percent=said.cpu_usage_percent,
    )


@contextlib.contextmanager
def _ignoring_what_cannot_be_read() -> Any:
    """An empty reply says that there is no pod; anything else that is no message of a pod is nobody's."""
    from pydantic import ValidationError

    with contextlib.suppress(ValidationError, ValueError):
        yield


def _connected(url: str) -> contextlib.AbstractAsyncContextManager[Client]:
    from memebattle.settings import Settings

    return connected(url, inbox_prefix=Settings.from_env().nats.inbox_prefix)
