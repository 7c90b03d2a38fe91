"""A watch: every change as a line of JSON, for as long as the client listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus

from memebattle.cli.fake_hf.wire import Exchange
from tests.chart.kubernetes.selection import Selection
from tests.chart.kubernetes.store import Event, Manifest, Store


async def watch(exchange: Exchange, store: Store, selection: Selection, *, initial: bool) -> None:
    """Tell what happens to these objects; with `initial` first what there is, and where that ends."""
    # without a length, the end of the connection is the end of the answer
    await exchange.head(HTTPStatus.OK, {"content-type": "application/json", "connection": "close"})
    events = asyncio.Queue[Event]()
    stop = store.subscribe(events.put_nowait)
    first = _present(store, selection) if initial else []
    telling = asyncio.create_task(_tell(exchange, first, events, selection))
    try:
        await exchange.until_gone()
    finally:
        stop()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def _present(store: Store, selection: Selection) -> list[Manifest]:
    """Every object, and a bookmark: now the client knows all."""
    resource = selection.resource
    metadata = {
        "resourceVersion": str(store.version),
        "annotations": {"k8s.io/initial-events-end": "true"},
    }
    end = {"kind": resource.kind, "apiVersion": resource.api, "metadata": metadata}
    return [*(_line("ADDED", found) for found in selection.present(store)), _line("BOOKMARK", end)]


async def _tell(
    exchange: Exchange, first: Iterable[Manifest], events: asyncio.Queue[Event], selection: Selection
) -> None:
    for line in first:
        await _send(exchange, line)
    while True:
        event = await events.get()
        if selection.has(event.key, event.object):
            await _send(exchange, _line(event.change, event.object))


def _line(change: str, found: Manifest) -> Manifest:
    return {"type": change, "object": found}


async def _send(exchange: Exchange, line: Manifest) -> None:
    await exchange.send(json.dumps(line).encode() + b"\n")
