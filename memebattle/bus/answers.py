"""The answer stream as arbiter: it stores and republishes the first answer of a request, and no other.

`answers.meme.{request_id}.>` is the scope, so the fence covers both kinds of answer. A message without our
`Mb-Kind` header is no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from memebattle.bus.arbiter import Arbiter
from memebattle.bus.idempotency import Answer, AnswerKind
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.subjects import fill

KIND, DIGEST = "Mb-Kind", "Mb-Digest"


@dataclass(slots=True)
class JetStreamAnswers:
    """Answers in the results stream. `response_subject` names what listeners of republished answers hear."""

    publisher: DurablePublisher
    js: Callable[[], JetStreamContext]
    stream: str
    response_subject: str = "meme.response"

    @property
    def max_payload(self) -> int:
        return self.publisher.max_payload

    async def publish(self, answer: Answer) -> Answer | None:
        """Store it, or return what was stored before.

        Raises:
            PublishFailed: no stream took it within the publisher's budget.
            MessageTooLarge: over the server's limit.
        """
        kind = self.response_subject.rpartition(".")[2] + (".error" if answer.kind == "error" else "")
        prefix = fill("answers.meme.{request_id}", request_id=answer.request_id)
        headers = {
            KIND: answer.kind,
            DIGEST: answer.digest,
            "content-type": "application/json",
            **answer.trace,
        }
        read = partial(_read, answer.request_id)
        return await self._arbiter().store(f"{prefix}.>", f"{prefix}.{kind}", answer.body, headers, read)

    async def lookup(self, request_id: str) -> Answer | None:
        """The stored answer of this request."""
        scope = fill("answers.meme.{request_id}", request_id=request_id) + ".>"
        return await self._arbiter().newest(scope, partial(_read, request_id))

    def _arbiter(self) -> Arbiter:
        return Arbiter(self.publisher, self.js, self.stream)


def _read(request_id: str, message: RawStreamMsg) -> Answer | None:
    headers = message.headers or {}
    found = headers.get(KIND)
    if found not in {"response", "error"}:
        return None
    kind: AnswerKind = "error" if found == "error" else "response"
    return Answer(request_id, kind, message.data or b"", headers.get(DIGEST, ""))


class MemoryAnswers:
    """The in-memory twin: a dictionary is an arbiter too."""

    def __init__(self, max_payload: int = 1024 * 1024) -> None:
        self.stored: dict[str, Answer] = {}
        self._max_payload = max_payload

    @property
    def max_payload(self) -> int:
        return self._max_payload

    async def publish(self, answer: Answer) -> Answer | None:
        existing = self.stored.get(answer.request_id)
        self.stored.setdefault(answer.request_id, answer)
        return existing

    async def lookup(self, request_id: str) -> Answer | None:
        return self.stored.get(request_id)
