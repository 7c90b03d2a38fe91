"""The worker of battles: the game over real parts, or those it is given."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from memebattle.battle.hall import Hall
from memebattle.battle.moderation import WordList
from memebattle.battle.pace import Pace
from memebattle.battle.painting import StreamPainter
from memebattle.battle.ports import Events, Moderator, Painter
from memebattle.battle.replies import Clerk
from memebattle.battle.service import BattleService
from memebattle.bootstrap.wiring import Wiring, answers_of, battle_log_of, requests_of
from memebattle.bus.events import CoreEvents
from memebattle.bus.facts import BattleLog
from memebattle.kit.wall import milliseconds
from memebattle.settings import Settings

COMMANDS_PER_SECOND, COMMANDS_AT_ONCE = 5.0, 20.0  # of one seat
BUDGET = 4.0  # seconds for one publish: who asked has gone by then, and asks again
PICTURES_PER_SECOND, PICTURES_AT_ONCE = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class BattleParts:
    """What battles may be given instead of the real thing."""

    facts: BattleLog | None = None
    painter: Painter | None = None
    moderator: Moderator | None = None
    events: Events | None = None
    now: Callable[[], int] | None = None
    rng: random.Random | None = None

    @property
    def need_a_store(self) -> bool:
        """Never: everything known of a battle is in its stream."""
        return False


def open_battles(stack: contextlib.AsyncExitStack, wiring: Wiring, given: BattleParts) -> BattleService:
    settings, broker = wiring.settings, wiring.broker
    painter = given.painter or StreamPainter(requests_of(wiring, BUDGET), answers_of(wiring))
    now = given.now or milliseconds
    hall = Hall(
        given.facts or battle_log_of(wiring, BUDGET),
        painter,
        given.events or CoreEvents(lambda: broker.client),
        wiring.metrics.battles,
        now,
        time.monotonic,
    )
    stack.push_async_callback(hall.aclose)
    wiring.health.on_stop(hall.close)
    return BattleService(
        hall,
        painter,
        given.moderator or WordList(_words(settings)),
        _clerk(wiring),
        now,
        given.rng or random.SystemRandom(),
        max_players=settings.battle.max_players,
    )


def _clerk(wiring: Wiring) -> Clerk:
    per_minute = wiring.settings.battle.new_per_minute
    return Clerk(
        Pace(COMMANDS_PER_SECOND, COMMANDS_AT_ONCE, time.monotonic),
        Pace(per_minute / 60, per_minute, time.monotonic),
        Pace(PICTURES_PER_SECOND, PICTURES_AT_ONCE, time.monotonic),
        wiring.metrics.battles,
        time.monotonic,
    )


def _words(settings: Settings) -> tuple[str, ...]:
    return tuple(word.strip() for word in settings.battle.blocked_words.split(",") if word.strip())
