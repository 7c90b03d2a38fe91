"""That every command gets a reply, and nobody more than their share of them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from memebattle.battle.messages import BattleReply
from memebattle.battle.orders import Refused
from memebattle.battle.pace import Pace
from memebattle.bus.refusals import Unavailable
from memebattle.kit.metrics import BattleMetrics

log = logging.getLogger(__name__)

EVERYBODY = "everybody"  # battles are opened by people we do not know yet


@dataclass(frozen=True, slots=True)
class Clerk:
    """Words, counts and limits of commands. `clock` is in seconds of any origin."""

    pace: Pace
    opening_pace: Pace
    painting_pace: Pace
    metrics: BattleMetrics
    clock: Callable[[], float]

    async def answered(self, verb: str, work: Awaitable[BattleReply]) -> BattleReply:
        """The reply of this work, or why there is none."""
        began = self.clock()
        try:
            reply = await work
        except Refused as refused:
            reply = BattleReply.refusal(refused.code, str(refused))
        except Unavailable as error:
            log.warning("A command cannot be carried out: %s", error, extra={"verb": verb})
            reply = out_of_reach()
        except Exception:
            self._count(verb, "broken", began)
            raise
        self._count(verb, reply.code or "ok", began)
        return reply

    def _count(self, verb: str, outcome: str, began: float) -> None:
        self.metrics.command_duration.labels(verb).observe(self.clock() - began)
        self.metrics.commands.labels(verb, outcome).inc()

    def admit(self, seat: str) -> None:
        """One more command of this seat.

        Raises:
            Refused: too many in a short time.
        """
        if not self.pace.allows(seat):
            raise Refused("too_fast", "slower, please: wait a moment and try again")

    def admit_painting(self, seat: str) -> None:
        """One more picture for this seat.

        Raises:
            Refused: too many in a short time.
        """
        if not self.painting_pace.allows(seat):
            raise Refused("too_fast", "the painters cannot keep up with you: wait a moment and try again")

    def admit_opening(self) -> None:
        """One more battle.

        Raises:
            Refused: too many in a short time.
        """
        if not self.opening_pace.allows(EVERYBODY):
            raise Refused("too_fast", "many battles are being opened right now; please try again in a minute")


def out_of_reach() -> BattleReply:
    """The reply while the stream of battles is away."""
    return BattleReply.refusal("unavailable", "the battles are out of reach for a moment; please try again")
