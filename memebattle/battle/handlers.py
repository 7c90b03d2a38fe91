"""The subscribers of battles: read, call, answer.

All are requests that want a reply, taken by one replica of a group: which one does not matter, every replica
reads the same stream.
"""

from __future__ import annotations

import logging
from typing import Annotated

from fast_depends.exceptions import ValidationError as InjectionError
from faststream import ExceptionMiddleware
from faststream.nats import NatsRouter
from pydantic import ValidationError

from memebattle.battle.events import Happening
from memebattle.battle.hall import Hall
from memebattle.battle.messages import (
    BattleCreate,
    BattleEntry,
    BattleHost,
    BattleJoin,
    BattleLook,
    BattleQuestion,
    BattleReply,
    BattleView,
    BattleVote,
    PaintedNews,
)
from memebattle.battle.replies import out_of_reach
from memebattle.battle.service import BattleService
from memebattle.bus.delivery import detail_of
from memebattle.bus.framework import Local
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
    MEME_CREATED,
)
from memebattle.settings import Settings

log = logging.getLogger(__name__)

LONGEST_DETAIL = 500

Battles = Annotated[BattleService, Local("battles")]
AllBattles = Annotated[Hall, Local("battles.hall")]
BattleId = Annotated[str, Local("message.path.battle_id")]


async def on_create(asked: BattleCreate, battles: Battles) -> BattleReply:
    """Open a battle."""
    return await battles.create(asked)


async def on_join(asked: BattleJoin, battle_id: BattleId, battles: Battles) -> BattleReply:
    """Take a seat, or come back to it."""
    return await battles.join(battle_id, asked)


async def on_enter(asked: BattleEntry, battle_id: BattleId, battles: Battles) -> BattleReply:
    """Hand in a prompt for this round."""
    return await battles.enter(battle_id, asked)


async def on_next(asked: BattleQuestion, battle_id: BattleId, battles: Battles) -> BattleReply:
    """Ask for two memes to judge."""
    return await battles.question(battle_id, asked)


async def on_vote(asked: BattleVote, battle_id: BattleId, battles: Battles) -> BattleReply:
    """Choose between two memes."""
    return await battles.vote(battle_id, asked)


async def on_host(asked: BattleHost, battle_id: BattleId, battles: Battles) -> BattleReply:
    """Carry out what the host orders."""
    return await battles.host(battle_id, asked)


async def on_look(asked: BattleLook, battles: Battles) -> BattleReply:
    """Say how a battle stands."""
    return await battles.look(asked)


async def on_picture(news: PaintedNews, hall: AllBattles) -> None:
    """A picture is there, or will never be; one of our battles may be waiting for it."""
    await hall.heard(news)


def unreadable(error: ValidationError | InjectionError) -> BattleReply:
    """The reply to a command that cannot be read."""
    return BattleReply.refusal("invalid", detail_of(error)[:LONGEST_DETAIL])


def broken(error: Exception) -> BattleReply:
    """The reply when something of ours has failed: nobody is left waiting."""
    log.error("A command failed", exc_info=error)
    return out_of_reach()


def routes(settings: Settings) -> NatsRouter:
    """What a worker subscribes and publishes."""
    replying = ExceptionMiddleware(
        publish_handlers={ValidationError: unreadable, InjectionError: unreadable, Exception: broken}
    )
    router, group = NatsRouter(middlewares=[replying]), settings.battle.queue_group
    for subject, handler, title in (
        (BATTLE_CREATE, on_create, "BattleCreate"),
        (BATTLE_JOIN, on_join, "BattleJoin"),
        (BATTLE_ENTER, on_enter, "BattleEntry"),
        (BATTLE_NEXT, on_next, "BattleQuestion"),
        (BATTLE_VOTE, on_vote, "BattleVote"),
        (BATTLE_HOST, on_host, "BattleHost"),
    ):
        router.subscriber(subject, queue=group, title=title)(handler)
    router.subscriber(BATTLE_STATE, queue=group, title="BattleLook")(on_look)
    for subject, title in ((MEME_CREATED, "BattlePicture"), (_refusals(settings), "BattleNoPicture")):
        router.subscriber(subject, no_reply=True, title=title)(on_picture)
    router.publisher(BATTLE_EVENT, schema=Happening, title="BattleEvent")
    router.publisher(BATTLE_VIEW, schema=BattleView, title="BattleView")
    router.publisher(BATTLE_STAGE, schema=BattleView, title="BattleStage")
    return router


def _refusals(settings: Settings) -> str:
    return f"{settings.nats.response_subject}.error"
