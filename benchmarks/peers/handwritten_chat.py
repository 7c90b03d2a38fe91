"""Chat by hand over nats-py and a bare ASGI application: what `memebattle bench chat` measures against.

    handwritten_chat.py worker    takes messages, publishes every token as it comes
    handwritten_chat.py pod       POST /api/chat, GET /api/sse, on GATEWAY_ADDR

The least that streams. A pod publishes the message with its own subject as reply; the worker publishes the
chunks there, and the pod puts them into the queues of the session's connections. So the message has to be
posted to the pod that holds the connection, and whatever is missed is lost: there is no store, no registry,
no resume, no history, no second try, no stop, no limit, no model of any message. Chunks and events look like
memebattle's, and the text comes from the same offline provider: this is about what lies between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import nats
import uvicorn
from nats.aio.msg import Msg

from memebattle.generation.providers.local_text import MODEL, LocalText
from memebattle.generation.text import TextSpec, Turn

EVENT_STREAM = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def connect() -> nats.NATS:
    return await nats.connect(
        os.environ["NATS_URL"],
        inbox_prefix=os.environ.get("NATS_INBOX_PREFIX", "_INBOX").encode(),
        max_reconnect_attempts=-1,
    )


class Worker:
    def __init__(self) -> None:
        self.model = LocalText(token_time=float(os.environ.get("LOCAL_TOKEN_MS", "20")) / 1000)
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self.nc = await connect()
        await self.nc.subscribe("chat.workflow.execute.*", queue="workflow-workers", cb=self.take)
        await self.nc.flush()
        host, _, port = os.environ["METRICS_ADDR"].rpartition(":")
        probes = await asyncio.start_server(self.probe, host, int(port))
        await stop.wait()
        probes.close()
        await self.nc.close()

    async def take(self, message: Msg) -> None:
        task = asyncio.create_task(self.answer(json.loads(message.data), message.reply))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, request: dict[str, Any], pod: str) -> None:
        number = 0
        spec = TextSpec((Turn("user", request["message"]),), MODEL)
        async for piece in self.model.stream(spec):
            final = piece.finish_reason is not None
            metadata: dict[str, Any] = {"model": MODEL, "provider": "local"}
            if final:
                metadata |= {"tokens_used": piece.completion_tokens, "finish_reason": piece.finish_reason}
            chunk = {
                "session_id": request["session_id"],
                "message_id": request["message_id"],
                "chunk_id": number,
                "chunk": piece.text,
                "chunk_type": "metadata" if final else "content",
                "is_final": final,
                "metadata": metadata,
                "timestamp": now(),
            }
            await self.nc.publish(pod, json.dumps(chunk).encode())
            number += 1

    async def probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()


class Pod:
    def __init__(self) -> None:
        self.subject = f"chat.pod.{os.environ['WORKER_ID']}.response"
        self.queues: dict[str, set[asyncio.Queue[bytes]]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.live(receive, send)
        elif scope["path"] == "/api/sse":
            await self.listen(parse_qs(scope["query_string"].decode())["session_id"][0], receive, send)
        elif scope["path"] == "/api/chat":
            await self.say(await self.body(receive), send)
        else:
            await self.respond(send, 200 if scope["path"] == "/readyz" else 404, b"{}")

    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        self.nc = await connect()
        await self.nc.subscribe(self.subject, cb=self.hear)
        await self.nc.flush()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.nc.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def say(self, message: dict[str, Any], send: Any) -> None:
        message.setdefault("message_id", secrets.token_urlsafe(16))
        subject = f"chat.workflow.execute.{message['session_id']}"
        await self.nc.publish(subject, json.dumps(message).encode(), reply=self.subject)
        accepted = {"message_id": message["message_id"], "session_id": message["session_id"]}
        await self.respond(send, 202, json.dumps(accepted).encode())

    async def hear(self, message: Msg) -> None:
        chunk = json.loads(message.data)
        event = b"event: chunk\ndata: %s\n\n" % message.data
        complete = None
        if chunk["is_final"]:
            ids = {name: chunk[name] for name in ("session_id", "message_id")}
            body = {**ids, "chunks": chunk["chunk_id"] + 1, "metadata": chunk["metadata"]}
            complete = b"event: message_complete\ndata: %s\n\n" % json.dumps(body).encode()
        for queue in self.queues.get(chunk["session_id"], ()):
            queue.put_nowait(event)
            if complete:
                queue.put_nowait(complete)

    async def listen(self, session_id: str, receive: Any, send: Any) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues.setdefault(session_id, set()).add(queue)
        sending = asyncio.create_task(self.send_all(queue, send))
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            sending.cancel()
            self.queues[session_id].discard(queue)
            if not self.queues[session_id]:
                del self.queues[session_id]

    async def send_all(self, queue: asyncio.Queue[bytes], send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": EVENT_STREAM})
        event = b"event: connected\ndata: {}\n\n"
        while True:
            await send({"type": "http.response.body", "body": event, "more_body": True})
            event = await queue.get()

    async def body(self, receive: Any) -> dict[str, Any]:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        found: dict[str, Any] = json.loads(body)
        return found

    async def respond(self, send: Any, status: int, body: bytes) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def main(role: str) -> None:
    if role == "worker":
        with contextlib.suppress(ImportError):
            import uvloop  # noqa: PLC0415 - it may be missing

            uvloop.install()
        asyncio.run(Worker().run())
        return
    host, _, port = os.environ["GATEWAY_ADDR"].rpartition(":")
    uvicorn.run(
        Pod(), host=host, port=int(port), log_level="error", access_log=False, timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main(sys.argv[1])
