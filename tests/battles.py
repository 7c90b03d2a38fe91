"""Battles without servers: the rules alone, a clock that is told the time, and a log that fences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from memebattle.battle import events
from memebattle.battle.course import due
from memebattle.battle.events import Happening
from memebattle.battle.fold import apply, fold
from memebattle.battle.messages import BattleHost, HostAction
from memebattle.battle.options import Options
from memebattle.battle.orders import ordered
from memebattle.battle.pairing import next_pair
from memebattle.battle.state import Battle, Entry, duel_match
from memebattle.battle.table import fact_of

CODE, HOST = "KBDF", "host-seat"
SHORT = {
    "prompt_seconds": 10,
    "paint_seconds": 10,
    "vote_seconds": 10,
    "reveal_seconds": 4,
    "duel_seconds": 5,
}


@dataclass(slots=True)
class Game:
    """One battle as a list of stored events, and its fold. `now` is in milliseconds."""

    battle: Battle = field(default_factory=lambda: Battle(CODE))
    stored: list[tuple[int, Happening]] = field(default_factory=list)
    now: int = 1_000_000
    _last: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def opened(cls, players: int = 0, **options: Any) -> Game:
        game = cls()
        created = events.Created(
            at=game.now, host=HOST, salt="salt", options=Options.model_validate(SHORT | options)
        )
        assert game.offer(created)
        for number in range(1, players + 1):
            game.join(number)
        return game

    @classmethod
    def voting(cls, players: int, **options: Any) -> Game:
        """In the vote of the first round; everybody has a meme."""
        game = cls.opened(players, **options)
        game.order("start")
        game.play_prompts()
        assert game.battle.phase == "vote"
        return game

    def offer(self, event: Happening, seen_by: Battle | None = None) -> bool:
        """Offer it to the log, by somebody who knows as much as `seen_by`; whether it was stored."""
        fact = fact_of(seen_by or self.battle, event)
        place = (fact.kind, fact.key)
        last = len(self.stored) if fact.is_first else self._last.get(place, 0)
        if fact.after is not None and fact.after != last:
            return False
        sequence = self._last[place] = len(self.stored) + 1
        self.stored.append((sequence, event))
        apply(self.battle, sequence, event)
        return True

    def go_on(self) -> int:
        """Whatever is due, one after the other; how much it was."""
        count = 0
        while (event := due(self.battle, self.now)) is not None:
            assert self.offer(event)
            count += 1
            assert count < 100, "a battle that never rests"
        return count

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * 1000)
        self.go_on()

    def wait_out(self) -> None:
        """Until the deadline."""
        assert self.battle.deadline is not None
        self.now = max(self.now, self.battle.deadline)
        self.go_on()

    def join(self, number: int, name: str | None = None) -> bool:
        return self.offer(
            events.Joined(at=self.now, seat=seat(number), name=name or f"P{number}", avatar=number)
        )

    def enter(self, number: int, prompt: str = "", request_id: str = "") -> Entry | None:
        event = events.Entered(
            at=self.now,
            round=self.battle.round,
            seat=seat(number),
            prompt=prompt or f"prompt of {number}",
            request_id=request_id or f"{CODE}-{self.battle.round}-{number}-{len(self.stored)}",
        )
        self.offer(event)
        return self.battle.entry_of(seat(number))

    def paint(self, entry: Entry, error: str | None = None) -> bool:
        url = None if error else f"/images/{entry.id}.webp"
        return self.offer(
            events.Painted(at=self.now, request_id=entry.request_id, image_url=url, error=error)
        )

    def vote(self, voter: str, match: str, left: str, right: str, choice: events.Choice = "left") -> bool:
        """Whether it was stored; whether it counts is the battle's to say."""
        return self.offer(
            events.Voted(at=self.now, seat=voter, match=match, left=left, right=right, choice=choice)
        )

    def order(
        self, action: HostAction, target: str | None = None, seconds: int = 30, deadline: int | None = None
    ) -> bool:
        asked = BattleHost(token="t" * 16, action=action, target=target, seconds=seconds, deadline=deadline)
        event = ordered(self.battle, asked, self.now)
        return event is not None and self.offer(event)

    def play_prompts(self) -> None:
        """Everybody enters, all is painted."""
        for each in self.battle.competitors():
            self.enter(int(each.id.removeprefix("seat")))
        self.go_on()
        for entry in self.battle.entries_of_round():
            self.paint(entry)
        self.go_on()

    def play_votes(self, better: Callable[[str, str], events.Choice] = lambda *_: "left") -> None:
        """Everybody answers all questions; `better` is given two entries."""
        for each in list(self.battle.players()):
            while (pair := next_pair(self.battle, each.id)) is not None:
                self.vote(each.id, pair.match, pair.left, pair.right, better(pair.left, pair.right))
        self.go_on()

    def play_duel(self, better: Callable[[str, str], events.Choice] = lambda *_: "left") -> None:
        duel = self.battle.duel
        assert duel is not None
        for each in list(self.battle.players()):
            self.vote(each.id, duel_match(duel.number), duel.left, duel.right, better(duel.left, duel.right))
        self.go_on()

    def play_to_the_end(self) -> None:
        """From wherever it stands, by the clock alone."""
        for _ in range(200):
            if self.battle.phase == "finished":
                return
            self.wait_out()
        raise AssertionError("a battle that never ends")

    def replayed(self, events_seen: int | None = None) -> Battle:
        return fold(CODE, self.stored[:events_seen])

    def entry(self, number: int) -> Entry:
        found = self.battle.entry_of(seat(number))
        assert found is not None
        return found


def seat(number: int) -> str:
    return f"seat{number}"


def played(players: int = 5, prompt: str = "") -> Game:
    """A game of one round that was just revealed; the smaller name is better."""
    game = Game.opened(players, rounds=1)
    game.order("start")
    for number in range(1, players + 1):
        game.enter(number, prompt)
    game.go_on()
    for entry in game.battle.entries_of_round():
        game.paint(entry)
    game.go_on()
    game.play_votes(lambda left, right: "left" if left < right else "right")
    return game


def finish(game: Game) -> None:
    """From the reveal to the podium."""
    game.wait_out()
    while game.battle.phase != "finished":
        game.play_duel()
        game.wait_out()
