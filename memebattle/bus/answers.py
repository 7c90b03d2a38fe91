"""The answer stream as arbiter: it stores and republishes the first answer of a request, and no other.

The fence is optimistic concurrency per subject: `Nats-Expected-Last-Subject-Sequence: 0` on the filter
`answers.meme.{request_id}.>` covers both kinds of answer. Measured with 20 racing publishers: 1 stored,
1 heard. A refusal is believed only after reading what is stored there: a message without our `Mb-Kind`
header is no answer. The real one is stored on top of it, unless it lies beneath.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from memebattle.bus.idempotency import Answer, AnswerKind
from memebattle.bus.publishing import DurablePublisher
from memebattle.bus.subjects import fill

WRONG_LAST_SEQUENCE = 10071
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
        expected = 0
        while True:
            try:
                await self._store(answer, expected)
            except APIError as error:
                if error.err_code != WRONG_LAST_SEQUENCE:
                    raise
                existing, expected = await self._found(answer.request_id)
                if existing is not None:
                    return existing
            else:
                return None

    async def lookup(self, request_id: str) -> Answer | None:
        """The stored answer of this request."""
        found, _ = await self._found(request_id)
        return found

    async def _store(self, answer: Answer, expected: int) -> None:
        kind = self.response_subject.rpartition(".")[2] + (".error" if answer.kind == "error" else "")
        prefix = fill("answers.meme.{request_id}", request_id=answer.request_id)
        headers = {
            "Nats-Expected-Last-Subject-Sequence": str(expected),
            "Nats-Expected-Last-Subject-Sequence-Subject": f"{prefix}.>",
            KIND: answer.kind,
            DIGEST: answer.digest,
            "content-type": "application/json",
            **answer.trace,
        }
        await self.publisher.publish(f"{prefix}.{kind}", answer.body, headers, self.stream)

    async def _found(self, request_id: str) -> tuple[Answer | None, int]:
        """The answer, and the sequence of the last message that is stored for this request."""
        last = await self._last(request_id)
        if last is None:
            return None, 0
        found, end = _read(request_id, last), last.seq or 0
        return found or await self._beneath(request_id, end), end

    async def _beneath(self, request_id: str, end: int) -> Answer | None:
        """The answer among the messages before `end`, which are somebody's who may not know better."""
        subject, seq = fill("answers.meme.{request_id}", request_id=request_id) + ".>", 1
        while seq < end:
            # the oldest first: nothing that came later is the answer if there is one
            try:
                message = await self.js().get_msg(self.stream, seq, subject, next=True)
            except NotFoundError:
                break  # expired since we looked
            if (found := _read(request_id, message)) is not None:
                return found
            seq = (message.seq or end) + 1
        return None

    async def _last(self, request_id: str) -> RawStreamMsg | None:
        try:
            # not a direct get: a replica may lag behind the leader that just refused us
            return await self.js().get_last_msg(
                self.stream, fill("answers.meme.{request_id}", request_id=request_id) + ".>"
            )
        except NotFoundError:
            return None


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
