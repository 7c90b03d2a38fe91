"""What one may rely on when watching the platform, channel by channel."""

from __future__ import annotations

from memebattle.bus.subjects import MEME_STATS, WORKER_HEARTBEAT
from memebattle.cli.spec.vocabulary import ChannelWords

ENGINE: dict[str, ChannelWords] = {
    "MemeStats": ChannelWords(
        "How the platform is",
        MEME_STATS,
        group="For operators",
        says="one gateway, every half second: of several the one with the smallest name",
        hears="the engine room of the web page, `memebattle top`",
        guarantee="at-most-once",
        because="The next one says it all again. Totals never fall: when the gateway that tells is gone,"
        " another one goes on with what it has heard, within two seconds.",
        ordering="`at` counts up; pass over one that is older than what you have",
        browser="subscribes",
    ),
    "WorkerHeartbeat": ChannelWords(
        "A worker lives",
        WORKER_HEARTBEAT,
        group="For operators",
        says="every worker: each second, and at once when it has come and when it begins to leave",
        hears="gateways",
        guarantee="at-most-once",
        because="A lost one is made good by the next: counters are told from the start of the process on. Who"
        " is silent for three seconds is gone.",
        ordering="in order, from each worker",
    ),
}
