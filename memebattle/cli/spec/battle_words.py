"""What one may rely on in battles, channel by channel."""

from __future__ import annotations

from memebattle.bus.subjects import (
    BATTLE_CREATE,
    BATTLE_ENTER,
    BATTLE_EVENT,
    BATTLE_HOST,
    BATTLE_JOIN,
    BATTLE_NEXT,
    BATTLE_STAGE,
    BATTLE_STATE,
    BATTLE_VIEW,
    BATTLE_VOTE,
)
from memebattle.cli.spec.vocabulary import ChannelWords

PLAYERS = "the web page, for whoever plays; any service"
ONE_WORKER = "one worker of the queue group; any of them will do"
AGAIN = "Request-reply. Without a reply, send the very same again"


def _command(title: str, subject: str, because: str, ordering: str = "none") -> ChannelWords:
    return ChannelWords(
        title,
        subject,
        group="Battles: what you send",
        says=PLAYERS,
        hears=ONE_WORKER,
        guarantee="at-most-once",
        because=because,
        ordering=ordering,
        browser="publishes",
    )


BATTLES: dict[str, ChannelWords] = {
    "BattleCreate": _command(
        "Open a battle", BATTLE_CREATE, "Request-reply. Without a reply, ask again: that is another battle."
    ),
    "BattleJoin": _command(
        "Take a seat", BATTLE_JOIN, f"{AGAIN}: the same token gets the same seat, at any time."
    ),
    "BattleEntry": _command(
        "Hand in a prompt",
        BATTLE_ENTER,
        f"{AGAIN}: the same prompt is one entry and one picture.",
        "the last prompt that is stored before the whistle counts",
    ),
    "BattleQuestion": _command("Ask what to judge", BATTLE_NEXT, f"{AGAIN}: asking changes nothing."),
    "BattleVote": _command(
        "Choose",
        BATTLE_VOTE,
        f"{AGAIN}: of one voter and one match the stream takes one choice, the first.",
        "a choice counts by its place in the stream: before the whistle, or not",
    ),
    "BattleHost": _command(
        "Order",
        BATTLE_HOST,
        "Request-reply. An order that is carried out already changes nothing; but a second `skip` or `extend`"
        " is a second one.",
    ),
    "BattleLook": _command("Look", BATTLE_STATE, f"{AGAIN}: looking changes nothing."),
    "BattleReply": ChannelWords(
        "A worker replies",
        "",
        group="Battles: what you hear",
        says="the worker that was asked",
        hears="whoever asked",
        guarantee="at-most-once",
        because="A plain NATS reply. `ok` is said when the stream has taken it, and not before.",
        ordering="a `view` with a smaller `sequence` is older: pass over it",
        browser="subscribes",
        meaning="What became of a command, how the battle stands, and what only its sender may know.",
    ),
    "BattleView": ChannelWords(
        "How a battle stands, for phones",
        BATTLE_VIEW,
        group="Battles: what you hear",
        says="workers, after what was done through them",
        hears="whoever plays; gateways, for clients of `GET /api/battles/{code}/events`",
        guarantee="at-most-once",
        because="The next one says it all again. Who missed one asks on `battle.state`.",
        ordering="by `sequence`: pass over one that is smaller than what you have",
        browser="subscribes",
        message_prefix="Short",
    ),
    "BattleStage": ChannelWords(
        "How a battle stands, for screens",
        BATTLE_STAGE,
        group="Battles: what you hear",
        says="workers, after what was done through them",
        hears="the host's screen, spectators",
        guarantee="at-most-once",
        because="The next one says it all again. Who missed one asks on `battle.state` with `whole`.",
        ordering="by `sequence`: pass over one that is smaller than what you have",
        browser="subscribes",
    ),
    "BattleEvent": ChannelWords(
        "What happened in a battle",
        BATTLE_EVENT,
        group="Battles: what you hear",
        says="the worker that was asked, or that saw a deadline pass",
        hears="every worker that serves the battle, `memebattle battle replay`",
        guarantee="exactly-once",
        because="Each is stored behind a fence: of those who want to write the next step, a seat, a picture"
        " or a choice, one comes first. Only a prompt may be there twice, and is one all the same.",
        ordering="the stream's; whether an event counts is decided by its place",
    ),
}
