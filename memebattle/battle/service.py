"""What people may do in a battle, and what is told to them.

Each command reads the battle as it stands, checks what may be checked, offers an event to the stream, and
replies with what the stream has made of it. Everything a command is refused for is said in words for people.
"""

from __future__ import annotations

import hmac
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from memebattle.battle import events, view
from memebattle.battle.hall import Hall
from memebattle.battle.messages import (
    BattleCreate,
    BattleEntry,
    BattleHost,
    BattleJoin,
    BattleLook,
    BattleQuestion,
    BattleReply,
    BattleVote,
    QuestionView,
)
from memebattle.battle.names import likeness
from memebattle.battle.orders import Refused, ordered
from memebattle.battle.pairing import next_pair, questions_for
from memebattle.battle.ports import Moderator, Painter
from memebattle.battle.proofs import seat_of, ticket_of
from memebattle.battle.replies import Clerk
from memebattle.battle.state import Battle, Entry, duel_match, may_vote
from memebattle.battle.table import Table

log = logging.getLogger(__name__)

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words; nothing that looks like something else
CODE_LENGTH, CODES_TRIED, OFFERS = 4, 20, 5


@dataclass(slots=True)
class BattleService:
    """The commands of all battles. `rng` draws codes; `now` is in milliseconds since 1970."""

    hall: Hall
    painter: Painter
    moderator: Moderator
    clerk: Clerk
    now: Callable[[], int]
    rng: random.Random
    max_players: int = 300

    async def create(self, asked: BattleCreate) -> BattleReply:
        """Open a battle under a fresh code."""
        return await self.clerk.answered("create", self._create(asked))

    async def join(self, code: str, asked: BattleJoin) -> BattleReply:
        """Take a seat; whoever has one gets it back."""
        return await self.clerk.answered("join", self._join(code, asked))

    async def enter(self, code: str, asked: BattleEntry) -> BattleReply:
        """Hand in a prompt, and have it painted at once."""
        return await self.clerk.answered("enter", self._enter(code, asked))

    async def question(self, code: str, asked: BattleQuestion) -> BattleReply:
        """Which two to judge next."""
        return await self.clerk.answered("next", self._question(code, asked))

    async def vote(self, code: str, asked: BattleVote) -> BattleReply:
        """Take a choice, and ask the next question."""
        return await self.clerk.answered("vote", self._vote(code, asked))

    async def host(self, code: str, asked: BattleHost) -> BattleReply:
        """What only the host may do."""
        return await self.clerk.answered("host", self._host(code, asked))

    async def look(self, asked: BattleLook) -> BattleReply:
        """How it stands: after a reload, a night, or a gap."""
        return await self.clerk.answered("look", self._look(asked))

    async def _create(self, asked: BattleCreate) -> BattleReply:
        self.clerk.admit_opening()
        for theme in asked.options.themes:
            self._clean(theme, asked.options.moderation)
        seats = min(asked.options.max_players, self.max_players)
        options = asked.options.model_copy(update={"max_players": seats})
        for _ in range(CODES_TRIED):
            code = "".join(self.rng.choices(LETTERS, k=CODE_LENGTH))
            host, salt = seat_of(code, asked.token), secrets.token_hex(16)
            event = events.Created(at=self.now(), host=host, salt=salt, options=options)
            if (table := await self.hall.opened(code, event)) is not None:
                log.info("Battle opened", extra={"battle": code})
                return self._reply(table, host)
        raise Refused("unavailable", "no free code was found, please try again")

    async def _join(self, code: str, asked: BattleJoin) -> BattleReply:
        table = await self._table(code)
        battle, seat = table.battle, seat_of(code, asked.token)
        known = battle.seats.get(seat)
        if known is not None and known.is_out:
            raise Refused("not_now", "the host has sent you out of this battle")
        if known is None:
            self._check_join(battle, asked, seat)
            await table.record(events.Joined(at=self.now(), seat=seat, name=asked.name, avatar=asked.avatar))
            if seat not in battle.seats:
                self._check_join(battle, asked, seat)  # something has just come between
                raise Refused("unavailable", "that did not work, please try again")
        return self._reply(table, seat, question=self._next_question(table, seat))

    def _check_join(self, battle: Battle, asked: BattleJoin, seat: str) -> None:
        self.clerk.admit(seat)
        if battle.phase == "finished":
            raise Refused("not_now", "this battle is over")
        if battle.is_full:
            raise Refused("full", "all seats are taken; you can still watch")
        self._clean(asked.name, battle.options.moderation)
        if likeness(asked.name) in battle.names:
            raise Refused("taken", "somebody here is called that already")

    async def _enter(self, code: str, asked: BattleEntry) -> BattleReply:
        table, seat = await self._seated(code, asked.token)
        battle = table.battle
        known = battle.entry_of(seat)
        if known is not None and known.prompt == asked.prompt and known.error is None:
            return self._reply(table, seat)  # the reply to the first try was lost
        self._check_entry(battle, asked, seat)
        event = events.Entered(
            at=self.now(),
            round=battle.round,
            seat=seat,
            prompt=asked.prompt,
            request_id=f"{code}-{secrets.token_hex(8)}",
        )
        await table.record(event)
        entry = battle.entry_of(seat)
        if entry is None or entry.request_id != event.request_id:
            raise Refused("not_now", "that was too late, the time was up")
        await self._ask_painter(event, instead_of=known)
        return self._reply(table, seat)

    def _check_entry(self, battle: Battle, asked: BattleEntry, seat: str) -> None:
        if asked.round is not None and asked.round != battle.round:
            raise Refused("not_now", "that was for another round")
        if battle.phase != "prompt" or battle.is_paused:
            raise Refused("not_now", "prompts are not wanted at the moment")
        if battle.seats[seat].since_round > battle.round:
            raise Refused(
                "not_now", "you came in late: you play from the next round on, and vote in this one"
            )
        self._clean(asked.prompt, battle.options.moderation)
        self.clerk.admit_painting(seat)

    async def _ask_painter(self, event: events.Entered, instead_of: Entry | None) -> None:
        """The prompt is handed in whatever happens here: what is not painted is asked for again."""
        try:
            await self.painter.ask(event.request_id, event.prompt)
            if instead_of is not None and not instead_of.is_settled:
                await self.painter.cancel(instead_of.request_id)
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("A picture is asked for later: %r", error, extra={"request_id": event.request_id})

    async def _question(self, code: str, asked: BattleQuestion) -> BattleReply:
        table, seat = await self._seated(code, asked.token)
        return self._reply(table, seat, question=self._next_question(table, seat))

    async def _vote(self, code: str, asked: BattleVote) -> BattleReply:
        table, seat = await self._seated(code, asked.token)
        battle = table.battle
        if seat not in battle.votes.get(asked.match, {}):
            self._check_vote(battle, seat, asked)
            fields = asked.model_dump(include={"match", "left", "right", "choice"})
            if await table.record(events.Voted(at=self.now(), seat=seat, **fields)):
                self.clerk.metrics.votes.inc()
            if seat not in battle.votes.get(asked.match, {}):
                raise Refused("not_now", "that was too late, the time was up")
        return self._reply(table, seat, question=self._next_question(table, seat))

    def _check_vote(self, battle: Battle, seat: str, asked: BattleVote) -> None:
        if battle.phase not in {"vote", "duel"}:
            raise Refused("not_now", "there is nothing to choose from at the moment")
        if not may_vote(battle, seat, asked.match, asked.left, asked.right):
            raise Refused("not_now", "this choice is not open to you")
        is_duel = battle.duel is not None and asked.match == duel_match(battle.duel.number)
        ticket = ticket_of(battle, seat, asked.match)
        if not is_duel and not hmac.compare_digest(ticket.encode(), asked.ticket.encode()):
            raise Refused("invalid", "nobody asked you about these two")

    async def _host(self, code: str, asked: BattleHost) -> BattleReply:
        table = await self._table(code)
        seat = seat_of(code, asked.token)
        if seat != table.battle.host:
            raise Refused("not_host", "only the host may do that")
        if asked.action == "skip" and asked.deadline is None:  # what is skipped is what is on now
            asked = asked.model_copy(update={"deadline": table.battle.deadline})
        for _ in range(OFFERS):
            event = ordered(table.battle, asked, self.now())
            if event is None or await table.record(event):
                log.info("Host's order", extra={"battle": code, "order": asked.action})
                return self._reply(table, seat)
        raise Refused("unavailable", "too much happened at once, please try again")

    async def _look(self, asked: BattleLook) -> BattleReply:
        table = await self._table(asked.battle_id)
        seat = seat_of(asked.battle_id, asked.token) if asked.token else None
        question = self._next_question(table, seat) if seat is not None else None
        return self._reply(table, seat, question=question, whole=asked.whole)

    async def _table(self, code: str) -> Table:
        table = await self.hall.table(code)
        if table is None:
            raise Refused("unknown_battle", "there is no battle of that code")
        return table

    async def _seated(self, code: str, token: str) -> tuple[Table, str]:
        table, seat = await self._table(code), seat_of(code, token)
        found = table.battle.seats.get(seat)
        if found is None or found.is_out:
            raise Refused("unknown_seat", "you have no seat in this battle; join first")
        self.clerk.admit(seat)
        return table, seat

    def _next_question(self, table: Table, seat: str) -> QuestionView | None:
        battle = table.battle
        found = battle.seats.get(seat)
        if battle.phase != "vote" or found is None or found.is_out:
            return None
        pair = next_pair(battle, seat, table.order())
        if pair is None:
            return None
        return QuestionView(
            match=pair.match,
            left=view.entry_in_question(battle.entries[pair.left]),
            right=view.entry_in_question(battle.entries[pair.right]),
            ticket=ticket_of(battle, seat, pair.match),
            number=battle.cast.get(seat, 0) + 1,
            of=questions_for(battle, seat),
        )

    def _reply(
        self, table: Table, seat: str | None, *, question: QuestionView | None = None, whole: bool = False
    ) -> BattleReply:
        battle = table.battle
        shown = (view.for_screens if whole else view.for_phones)(battle, self.now())
        me = view.for_seat(battle, seat) if seat else None
        return BattleReply(ok=True, battle_id=battle.code, view=shown, me=me, question=question)

    def _clean(self, text: str, level: str) -> None:
        if (objection := self.moderator.objection(text, level)) is not None:
            raise Refused("refused_words", objection)
