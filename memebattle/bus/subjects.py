"""Every subject, once. Templates carry `{parameters}`; `fill` makes a subject, `pattern_of` a metric label.

A parameter is one token of `[A-Za-z0-9_-]{1,64}`; anything else is refused here, at the edge, because a dot
or a space would silently change what a wildcard matches.
"""

from __future__ import annotations

import re
from functools import lru_cache

from memebattle.bus.messages import TOKEN_PATTERN

MEME_REQUEST = "meme.request"
MEME_RESPONSE = "meme.response"
MEME_CREATED = "meme.created"
MEME_STATUS = "meme.status.{request_id}"
MEME_CANCEL = "meme.cancel.{request_id}"
ANSWER = "answers.meme.{request_id}.{kind}"
DEAD_LETTER = "dlq.{stream}.{consumer}"
CHAT_EXECUTE = "chat.workflow.execute.{session_id}"
CHAT_CANCEL = "chat.workflow.cancel.{session_id}"
CHAT_POD = "chat.pod.{pod_id}.response"
CHAT_BROADCAST = "chat.session.{session_id}.broadcast"
CHAT_STREAM = "chat.stream.{session_id}.{message_id}"
CHAT_HEALTH = "chat.pod.{pod_id}.health"
CHAT_ROLL_CALL = "chat.pods.health"
CHAT_HEARTBEAT = "chat.pod.{pod_id}.heartbeat"
PRIORITY_REQUEST = "prioritization.request"
PRIORITY_REQUEST_ID = "prioritization.request.{request_id}"
PRIORITY_RESULT = "prioritization.result"
PRIORITY_RESULT_ID = "prioritization.result.{request_id}"
PRIORITY_SUGGESTIONS = "prioritization.suggestions.{request_id}"
PRIORITY_OVERRIDE = "prioritization.override.{request_id}"
PRIORITY_STATUS = "prioritization.status.{request_id}"
PRIORITY_CANCEL = "prioritization.cancel.{request_id}"
PRIORITY_SYNC = "prioritization.sync"
AUDIT = "audit.priority.{action}"
BATTLE_COMMAND = "battle.command.{battle_id}.{verb}"  # each of the next six
BATTLE_CREATE = "battle.command.{battle_id}.create"
BATTLE_JOIN = "battle.command.{battle_id}.join"
BATTLE_ENTER = "battle.command.{battle_id}.enter"
BATTLE_NEXT = "battle.command.{battle_id}.next"
BATTLE_VOTE = "battle.command.{battle_id}.vote"
BATTLE_HOST = "battle.command.{battle_id}.host"
BATTLE_STATE = "battle.state"
BATTLE_VIEW = "battle.view.{battle_id}"
BATTLE_STAGE = "battle.stage.{battle_id}"
BATTLE_EVENT = "battle.event.{battle_id}.{kind}.{key}"
MEME_STATS = "meme.stats"
WORKER_HEARTBEAT = "worker.{worker_id}.heartbeat"

MEANINGS = {
    MEME_REQUEST: "A prompt that wants a picture. Core NATS (fast) and JetStream (durable) alike.",
    MEME_RESPONSE: "The answer, exactly once per request; heard by everybody.",
    MEME_RESPONSE + ".error": "The other answer: why there is no picture; exactly once per request.",
    MEME_CREATED: "A small event per picture, without its bytes; may be lost, the answer stream may not.",
    MEME_STATUS: "Where one request stands: queued, running, done, failed, cancelled. Best effort.",
    MEME_CANCEL: "Asks to stop one request; it is then answered with the error `cancelled`.",
    ANSWER: "The raw copy of one request's answer, for a client that wants only its own; at least once.",
    DEAD_LETTER: "A message that could not be served, with the reason in its headers.",
    CHAT_EXECUTE: "A message of a chat session that wants an answer. Core NATS and JetStream alike.",
    CHAT_CANCEL: "Asks to stop the answer to one message, or to whatever the session is being told.",
    CHAT_POD: "Chunks of answers for one pod, which holds SSE connections of their session.",
    CHAT_BROADCAST: "The same chunks for all pods, when the registry cannot say which of them to tell.",
    CHAT_STREAM: "Every chunk, kept for ten minutes for clients that come late, move or lose something.",
    CHAT_HEALTH: "Asks one pod how it is; it replies.",
    CHAT_ROLL_CALL: "Asks every pod how it is; each replies.",
    CHAT_HEARTBEAT: "A pod says that it lives, how many connections it holds and what that costs.",
    PRIORITY_REQUEST: "A task that wants a score. JetStream only: it waits until its result is stored.",
    PRIORITY_REQUEST_ID: "The same, with the task's id in the subject.",
    PRIORITY_RESULT: "Every result or error, exactly once per task and revision; heard by everybody.",
    PRIORITY_RESULT_ID: "The same as it is stored, for whoever waits for one task; at least once.",
    PRIORITY_SUGGESTIONS: "What to do about a task, written after its result; stored beside it.",
    PRIORITY_OVERRIDE: "A human decision about a task, stored beside its result.",
    PRIORITY_STATUS: "Where one task stands: queued, processing, completed, failed, cancelled. Best effort.",
    PRIORITY_CANCEL: "Asks to stop one task; its result is then the error `cancelled`.",
    PRIORITY_SYNC: "A task that is answered at once: the result is the reply.",
    AUDIT: "Who changed what by hand, kept for a month.",
    BATTLE_CREATE: "Opens a battle; `{battle_id}` is `new`, the reply says which code it got.",
    BATTLE_JOIN: "Takes a seat in a battle, or comes back to it.",
    BATTLE_ENTER: "Hands in a prompt for the round that is on.",
    BATTLE_NEXT: "Asks which two memes to judge next.",
    BATTLE_VOTE: "Chooses between two memes; the reply has the next two.",
    BATTLE_HOST: "What only the host may do: start, pause, skip, hide, send somebody out.",
    BATTLE_STATE: "How a battle stands: asked after a reload or a gap. Request and reply.",
    BATTLE_VIEW: "How a battle stands, told to phones as it changes; a smaller `sequence` is older.",
    BATTLE_STAGE: "The same with all players and memes, for a screen.",
    BATTLE_EVENT: "What happened in a battle, in order: the game is a fold of these.",
    MEME_STATS: "How the platform is, twice a second: backlog, workers, cache, latency. Best effort.",
    WORKER_HEARTBEAT: "A worker says that it lives, what it has in work and what it did, every second.",
}

_TOKEN = re.compile(TOKEN_PATTERN)


class InvalidToken(ValueError):
    """A value that cannot be one token of a subject."""


def is_token(value: str | None) -> bool:
    """Whether `value` may stand in a subject."""
    return bool(value and _TOKEN.fullmatch(value))  # not match(): its `$` lets a final newline pass


def as_token(name: str) -> str:
    """A host name as one token of a subject: other characters become dashes."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:64] or "unnamed"


def fill(template: str, **parameters: str) -> str:
    """A concrete subject.

    Raises:
        InvalidToken: a parameter is not one token.
    """
    for name, value in parameters.items():
        if not is_token(value):
            raise InvalidToken(f"{name} must be 1 to 64 letters, digits, '_' or '-', not {value[:80]!r}")
    return template.format(**parameters)


@lru_cache(maxsize=4096)
def pattern_of(subject: str) -> str:
    """The declared template a subject belongs to: a label of bounded cardinality."""
    if subject in MEANINGS:
        return subject
    tokens = subject.removesuffix(".error").split(".")  # the other kind of an answer
    for template in MEANINGS:
        parts = template.split(".")
        if len(parts) == len(tokens) and all(
            part.startswith("{") or part == token for part, token in zip(parts, tokens, strict=True)
        ):
            return template
    return "other"
