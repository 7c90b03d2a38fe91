"""Workers of chat over in-memory twins, with a model that says what the test wants to hear."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from memebattle.bus.chunklog import MemoryChunkLog
from memebattle.bus.core_publishing import MemoryPublisher
from memebattle.bus.frames import Frame, LogAway
from memebattle.bus.idempotency import Delivery, ExactlyOnce
from memebattle.bus.outcome import Rejected
from memebattle.chat.delivery import ChunkDelivery
from memebattle.chat.messages import ResponseChunk, WorkflowRequest, read_chunks
from memebattle.chat.service import Workflow
from memebattle.generation.text import TextModel
from memebattle.generation.text_registry import TextModels
from memebattle.kit.metrics import Metrics
from memebattle.settings import Settings
from memebattle.store.claims import MemoryClaims
from memebattle.store.history import MemoryHistory
from memebattle.store.sessions import MemorySessions
from tests.talkers import Line, ScriptedText
from tests.toys import Clock

CORE, JS = Delivery("core_nats"), Delivery("jetstream", fallback_id="js-WORKFLOW_REQUESTS-7")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LEASE = 10.0  # seconds


class Log(MemoryChunkLog):
    """The log in memory, which can be away for readers, for writers, or lose an acknowledgement."""

    def __init__(self) -> None:
        super().__init__()
        self.readable = self.writable = True
        self.loses_final = 0  # acknowledgements of final frames that get lost

    async def append(self, frame: Frame) -> int:
        if not self.writable:
            raise LogAway("CHAT_CHUNKS: not stored")
        seq = await super().append(frame)
        if frame.final and self.loses_final:
            self.loses_final -= 1
            raise LogAway("CHAT_CHUNKS: not stored")
        return seq

    async def last(self, session_id: str, message_id: str | None = None) -> Frame | None:
        if not self.readable:
            raise LogAway("CHAT_CHUNKS: no answer in time")
        return await super().last(session_id, message_id)


class Forgetful:
    """A memory that is out of reach."""

    async def remember(self, session_id: str, message_id: str, user: str, assistant: str) -> None: ...

    async def recall(self, session_id: str, without: str) -> None:
        return None


class Office:
    """Workers over in-memory twins: one log, one registry, one memory."""

    def __init__(self, metrics: Metrics, *scripts: tuple[Line, ...], **env: str) -> None:
        self.metrics, self.clock, self.model = metrics, Clock(), ScriptedText(*scripts)
        self.settings = Settings.from_env(env)
        self.log, self.claims = Log(), MemoryClaims(self.clock)
        self.history: MemoryHistory | Forgetful = MemoryHistory(10, 3600, self.clock)
        self.registry, self.wire = MemorySessions(30, self.clock), MemoryPublisher()
        self.chat = self.worker()

    def worker(self, model: TextModel | None = None) -> Workflow:
        """One more process."""
        chat = self.settings.chat
        tries = self.settings.delivery.model_copy(update={"max_attempts": chat.max_attempts})
        return Workflow(
            ExactlyOnce(self.claims, tries, self.metrics.workflow, clock=self.clock),
            TextModels({"custom": model or self.model}, "custom"),
            self.log,
            ChunkDelivery(self.registry, self.wire, self.metrics.workflow, chat, clock=self.clock),
            self.history,
            self.claims,
            self.metrics.workflow,
            chat,
            clock=self.clock,
        )

    def request(self, **fields: Any) -> WorkflowRequest:
        body = {"message_id": "m1", "session_id": "s1", "message": "How are you?"} | fields
        return WorkflowRequest.read(json.dumps(body).encode())

    async def ask(
        self,
        delivery: Delivery = JS,
        *,
        chat: Workflow | None = None,
        subject: str | None = None,
        **fields: Any,
    ) -> None:
        request = self.request(**fields)
        await (chat or self.chat).execute(request, subject or request.session_id, delivery)

    async def refuse(
        self, body: bytes, reason: Any = "invalid_request", detail: str = "message: too short"
    ) -> None:
        await self.chat.refuse(body, JS, Rejected(reason, detail))

    @contextlib.asynccontextmanager
    async def asking(self, **options: Any) -> Any:
        """A message in work; whatever becomes of it is awaited."""
        task = asyncio.create_task(self.ask(**options))
        try:
            yield task
        finally:
            await asyncio.gather(task, return_exceptions=True)

    def chunk(self, message_id: str, chunk_id: int = 0) -> bytes:
        """A chunk that somebody else has written."""
        return ResponseChunk(session_id="s1", message_id=message_id, chunk_id=chunk_id).body()

    def chunks(self, message_id: str = "m1") -> list[ResponseChunk]:
        frames = [frame for frame in self.log.frames if frame.message_id == message_id]
        return [chunk for frame in frames for chunk in read_chunks(frame.body)]

    def told(self, message_id: str = "m1") -> list[ResponseChunk]:
        """What pods have heard."""
        chunks = [chunk for _, body, _ in self.wire.published for chunk in read_chunks(body)]
        return [chunk for chunk in chunks if chunk.message_id == message_id]

    def text(self, message_id: str = "m1") -> str:
        return "".join(chunk.chunk for chunk in self.chunks(message_id))

    def end(self, message_id: str = "m1") -> dict[str, Any]:
        """How the answer ended; fails unless it did, once, and behind everything else."""
        chunks = self.chunks(message_id)
        assert [chunk.is_final for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
        assert [chunk.chunk_id for chunk in chunks] == list(range(len(chunks)))
        last = json.loads(chunks[-1].body())
        return {
            "type": last["chunk_type"],
            "reason": last["metadata"]["finish_reason"],
            "code": last.get("error", {}).get("code"),
            "detail": last.get("error", {}).get("message"),
        }

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"chat_workflow_{name}", labels) or 0


type OfficeOf = Callable[..., Office]


def ended(kind: str, reason: str, code: str | None = None, detail: str | None = None) -> dict[str, Any]:
    """How an answer should have ended."""
    return {"type": kind, "reason": reason, "code": code, "detail": detail}
