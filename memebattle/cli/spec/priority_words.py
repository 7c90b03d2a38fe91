"""What one may rely on in priority, channel by channel."""

from __future__ import annotations

from memebattle.bus.subjects import (
    AUDIT,
    PRIORITY_CANCEL,
    PRIORITY_OVERRIDE,
    PRIORITY_REQUEST,
    PRIORITY_REQUEST_ID,
    PRIORITY_RESULT,
    PRIORITY_RESULT_ID,
    PRIORITY_STATUS,
    PRIORITY_SUGGESTIONS,
    PRIORITY_SYNC,
)
from memebattle.cli.spec.vocabulary import ChannelWords

PRIORITY: dict[str, ChannelWords] = {
    "PriorityRequestById": ChannelWords(
        "Task, named in its subject",
        PRIORITY_REQUEST_ID,
        group="Priority: what you send",
        says="gateways, for a client that sent `POST /api/v1/prioritization`; any service",
        hears="one worker at a time, through the durable consumer",
        guarantee="at-least-once",
        because="The stream keeps a task until its result is stored. A crashed worker's task is delivered"
        " again; the results' stream sees to it that there is one result per revision all the same.",
        ordering="none; tasks are scored side by side, and urgency changes no place in the queue",
        headers="Task",
    ),
    "PriorityRequest": ChannelWords(
        "Task",
        PRIORITY_REQUEST,
        group="Priority: what you send",
        says="any service, with the id in the body, in the `Nats-Msg-Id` header, or without one",
        hears="one worker at a time, through the same consumer",
        guarantee="at-least-once",
        because="The same queue. Without an id anywhere the task is called `js-{stream}-{sequence}`, and the"
        " stream's acknowledgement says which sequence that is.",
        ordering="none",
        headers="Task",
    ),
    "PriorityCancel": ChannelWords(
        "Cancel a task",
        PRIORITY_CANCEL,
        group="Priority: what you send",
        says="gateways, for a client that sent `DELETE /api/v1/prioritization/{request_id}`; any service",
        hears="every worker",
        guarantee="at-most-once",
        because="Best effort: a revision that is scored already keeps its result.",
        ordering="send it after the task; before it, it is remembered for a while",
    ),
    "PriorityQuestion": ChannelWords(
        "Task that is answered at once",
        PRIORITY_SYNC,
        group="Priority: what you send",
        says="gateways, for a client that sent `POST /api/v1/prioritization/sync`; any service",
        hears="one worker of the queue group",
        guarantee="at-most-once",
        because="Request-reply: a worker scores the task without a language model and replies with the"
        " result, or with the error. Without a reply, ask again under the same id: the result is stored, and"
        " is the same. A `traceparent` header makes the answer a part of that trace.",
        ordering="none",
    ),
    "PriorityReply": ChannelWords(
        "A worker replies",
        "",
        group="Priority: what you hear",
        says="the worker that was asked",
        hears="whoever asked",
        guarantee="at-most-once",
        because="A plain NATS reply, lost when nobody waits for it any more. The result is stored and heard"
        " like any other.",
        ordering="none",
        message_prefix="Reply",
        meaning="The result of a task that is answered at once, on the reply subject of the question.",
    ),
    "StoredPriorityResult": ChannelWords(
        "Result, for the one who asked",
        PRIORITY_RESULT_ID,
        group="Priority: what you hear",
        says="the worker that scored the task; a gateway, for content that had been scored before",
        hears="whoever waits for one task; gateways",
        guarantee="at-least-once",
        because="The stream stores the first result or error of a revision and refuses every other, but a"
        " raw subscriber hears each attempt to publish. Take the first of your revision.",
        ordering="the revisions of a task as they are stored; an older one is refused after a newer one",
        headers="StoredEntry",
        message_prefix="Stored",
    ),
    "PriorityResult": ChannelWords(
        "Result, for everybody",
        PRIORITY_RESULT,
        group="Priority: what you hear",
        says="the broker, which republishes what the stream stored",
        hears="everybody who follows all results",
        guarantee="exactly-once",
        because="Per task and revision one result or error is published, once. It is a Core message: who is"
        " disconnected misses it, and reads it from the stream, which keeps it for a week.",
        ordering="the order of storage; `Nats-Sequence` counts up over results, suggestions and decisions",
        headers="Entry",
    ),
    "PrioritySuggestions": ChannelWords(
        "Suggestions",
        PRIORITY_SUGGESTIONS,
        group="Priority: what you hear",
        says="the worker that scored the task, while language models are switched on (`PRIORITY_AI`)",
        hears="whoever waits for one task; gateways",
        guarantee="at-least-once",
        because="Written after the result, so that the score waits for nobody. The stream stores the first"
        " ones of a revision.",
        ordering="after the result",
        headers="StoredEntry",
    ),
    "PriorityStatus": ChannelWords(
        "Where a task stands",
        PRIORITY_STATUS,
        group="Priority: what you hear",
        says="workers",
        hears="whoever waits for one task; gateways",
        guarantee="at-most-once",
        because="Best effort, for progress. What is stored counts.",
        ordering="mostly processing, then one final state; trust the result, not the order",
    ),
    "PriorityOverride": ChannelWords(
        "A human decision",
        PRIORITY_OVERRIDE,
        group="Priority: what people decide",
        says="gateways, for a client that sent `PATCH /api/v1/prioritization/{request_id}`",
        hears="whoever waits for one task; gateways",
        guarantee="at-least-once",
        because="Stored beside the result, which stays as it was. The last decision counts, so a repeated one"
        " changes nothing.",
        ordering="the order of storage",
        headers="StoredEntry",
    ),
    "PriorityAudit": ChannelWords(
        "Who decided what",
        AUDIT,
        group="Priority: what people decide",
        says="the gateway that stored the decision",
        hears="nobody in particular: it is kept to be read",
        guarantee="at-most-once",
        because="Stored after the decision and before it is confirmed. What the stream does not take within"
        " seconds stands whole in the gateway's log instead.",
        ordering="the order of storage",
    ),
}
