"""What one may rely on when asking for memes, channel by channel."""

from __future__ import annotations

from memebattle.bus.subjects import (
    ANSWER,
    MEME_CANCEL,
    MEME_CREATED,
    MEME_REQUEST,
    MEME_RESPONSE,
    MEME_STATUS,
)
from memebattle.cli.spec.vocabulary import ChannelWords

MEMES: dict[str, ChannelWords] = {
    "MemeRequestJetStream": ChannelWords(
        "Request, the durable path",
        MEME_REQUEST,
        group="Memes: what you send",
        says="clients",
        hears="one worker at a time, through the durable consumer",
        guarantee="at-least-once",
        because="The stream keeps a request until its answer is stored. A crashed worker's request is"
        " delivered again; the answer stream sees to it that there is one answer all the same.",
        ordering="none; requests are served side by side",
        browser="publishes",
        headers="Request",
    ),
    "MemeRequestCore": ChannelWords(
        "Request, the fast path",
        MEME_REQUEST,
        group="Memes: what you send",
        says="clients",
        hears="one worker of the queue group",
        guarantee="at-most-once",
        because="The copy of a request that arrives at once. A busy worker drops it, because the stream"
        " keeps the other copy; whoever claims the request first answers it.",
        ordering="none",
        browser="publishes",
        headers="Request",
    ),
    "MemeCancel": ChannelWords(
        "Cancel a request",
        MEME_CANCEL,
        group="Memes: what you send",
        says="clients",
        hears="every worker",
        guarantee="at-most-once",
        because="Best effort: a request that is finished already keeps its answer.",
        ordering="send it after the request; before it, it is remembered for a while",
        browser="publishes",
    ),
    "MemeAnswer": ChannelWords(
        "Answer, for the one who asked",
        ANSWER,
        group="Memes: what you hear",
        says="the worker that made it",
        hears="the client that asked, the gateway",
        guarantee="at-least-once",
        because="The stream stores the first answer of a request and refuses every other, but a raw"
        " subscriber hears each attempt to publish. Take the first and unsubscribe.",
        ordering="one answer per request; none between requests",
        browser="subscribes",
        headers="StoredAnswer",
        message_prefix="Stored",
    ),
    "MemeResponse": ChannelWords(
        "Answer with a picture, for everybody",
        MEME_RESPONSE,
        group="Memes: what you hear",
        says="the broker, which republishes what the answer stream stored",
        hears="everybody who follows all answers",
        guarantee="exactly-once",
        because="Per request one of this and the error is published, once. It is a Core message: who is"
        " disconnected misses it, and reads it from the stream.",
        ordering="the order of storage; `Nats-Sequence` counts up over both kinds of answer",
        browser="subscribes",
        headers="Answer",
    ),
    "MemeError": ChannelWords(
        "Answer without a picture, for everybody",
        f"{MEME_RESPONSE}.error",
        group="Memes: what you hear",
        says="the broker, which republishes what the answer stream stored",
        hears="everybody who follows all answers",
        guarantee="exactly-once",
        because="Per request one of this and the response is published, once.",
        ordering="the order of storage; `Nats-Sequence` counts up over both kinds of answer",
        browser="subscribes",
        headers="Answer",
    ),
    "MemeCreated": ChannelWords(
        "A meme is there",
        MEME_CREATED,
        group="Memes: what you hear",
        says="the worker, after the answer is stored",
        hears="galleries, the web page",
        guarantee="at-most-once",
        because="A plain event without the bytes: lost when nobody listens. The answer is what counts.",
        ordering="none",
        browser="subscribes",
    ),
    "MemeStatus": ChannelWords(
        "Where a request stands",
        MEME_STATUS,
        group="Memes: what you hear",
        says="workers",
        hears="the client that asked",
        guarantee="at-most-once",
        because="Best effort, for progress bars. A retried request may run more than once.",
        ordering="mostly queued, running, then one final state; trust the answer, not the order",
        browser="subscribes",
    ),
}
