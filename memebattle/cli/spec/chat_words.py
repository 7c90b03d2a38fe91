"""What one may rely on in chat, channel by channel: for whoever writes a pod or a worker of their own."""

from __future__ import annotations

from memebattle.bus.subjects import (
    CHAT_BROADCAST,
    CHAT_CANCEL,
    CHAT_EXECUTE,
    CHAT_HEALTH,
    CHAT_HEARTBEAT,
    CHAT_POD,
    CHAT_ROLL_CALL,
    CHAT_STREAM,
)
from memebattle.cli.spec.vocabulary import ChannelWords

CHAT: dict[str, ChannelWords] = {
    "WorkflowRequestJetStream": ChannelWords(
        "Message, the durable path",
        CHAT_EXECUTE,
        group="Chat: messages and answers",
        says="pods, for a client that sent `POST /api/chat`; any service",
        hears="one worker at a time, through the durable consumer",
        guarantee="at-least-once",
        because="The stream keeps a message until the last chunk of its answer is stored. A crashed worker's"
        " message is delivered again, and its answer goes on behind the last stored chunk.",
        ordering="one answer of a session is told at a time; messages that wait for it may change places",
        headers="Request",
    ),
    "WorkflowRequestCore": ChannelWords(
        "Message, the fast path",
        CHAT_EXECUTE,
        group="Chat: messages and answers",
        says="pods, any service",
        hears="one worker of the queue group",
        guarantee="at-most-once",
        because="The copy of a message that arrives at once. A busy worker drops it, because the stream"
        " keeps the other copy; whoever claims the message first answers it.",
        ordering="none",
        headers="Request",
    ),
    "WorkflowCancel": ChannelWords(
        "Stop an answer",
        CHAT_CANCEL,
        group="Chat: messages and answers",
        says="pods, for a client that sent `DELETE /api/chat/{message_id}`",
        hears="every worker",
        guarantee="at-most-once",
        because="Best effort: what was said stays, and the last chunk says `cancelled`. A client that"
        " disconnects stops nothing.",
        ordering="send it after the message; before it, it is remembered for a while",
    ),
    "ChatPodResponse": ChannelWords(
        "Chunks, for the pods that need them",
        CHAT_POD,
        group="Chat: messages and answers",
        says="the worker that answers",
        hears="one pod, which holds connections of the session",
        guarantee="at-most-once",
        because="The copy of a frame that is stored already, so nothing heard here is ever needed, only"
        " faster. A pod that missed one notices: the next frame names another one as `Mb-Previous` than the"
        " pod has passed on last. Then it reads the stream.",
        ordering="that of storage: `chunk_id` counts up from 0 within an answer",
        headers="Chunk",
    ),
    "ChatBroadcast": ChannelWords(
        "Chunks, for all pods",
        CHAT_BROADCAST,
        group="Chat: messages and answers",
        says="the worker that answers, when the registry is away, knows nobody, or may not be asked",
        hears="every pod; it ignores sessions that are not connected to it",
        guarantee="at-most-once",
        because="The same copies, sent to everybody in an emergency.",
        ordering="that of storage",
        headers="Chunk",
    ),
    "ChatStored": ChannelWords(
        "Chunks, to be read again",
        CHAT_STREAM,
        group="Chat: messages and answers",
        says="the worker that answers",
        hears="pods with a client that comes late, comes back or lost something; any service",
        guarantee="at-least-once",
        because="The stream stores a frame only behind the session's last one, so each chunk is in it once."
        " A raw subscriber hears refused attempts as well: pass on what continues `chunk_id`, or read the"
        " stream.",
        ordering="one chain of frames per session: each names the one before it",
        headers="StoredChunk",
        message_prefix="Stored",
    ),
    "PodHealth": ChannelWords(
        "How is this pod?",
        CHAT_HEALTH,
        group="Chat: the pods",
        says="monitoring; no reply within 2 s means that the pod is unhealthy",
        hears="the pod",
        guarantee="at-most-once",
        because="Request-reply: the pod replies at once, or is not there.",
        ordering="none",
    ),
    "PodRollCall": ChannelWords(
        "How are all pods?",
        CHAT_ROLL_CALL,
        group="Chat: the pods",
        says="monitoring: `memebattle pods`",
        hears="every pod",
        guarantee="at-most-once",
        because="Request-reply with as many replies as there are pods; collect them for as long as you like.",
        ordering="none",
    ),
    "PodHealthReply": ChannelWords(
        "A pod replies",
        "",
        group="Chat: the pods",
        says="a pod that was asked",
        hears="whoever asked",
        guarantee="at-most-once",
        because="A plain NATS reply, lost when nobody waits for it any more.",
        ordering="none",
        meaning="What a pod says when it is asked, on the reply subject of the question.",
    ),
    "PodHeartbeat": ChannelWords(
        "A pod lives",
        CHAT_HEARTBEAT,
        group="Chat: the pods",
        says="every pod, every ten seconds (`CHAT_HEARTBEAT`)",
        hears="monitoring",
        guarantee="at-most-once",
        because="The next one follows soon. Its connections are registered anew at the same time; those of a"
        " pod that is gone expire.",
        ordering="that of sending",
    ),
}
