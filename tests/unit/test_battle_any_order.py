"""Whatever people, hosts and replicas do in whatever order, the rules hold. A seed decides what happens.

Events are offered by replicas that know all, or only what was there a while ago; the log fences as the stream
does. Nonsense is offered as well: votes for what is not there, prompts of strangers, orders out of turn.
"""

from __future__ import annotations

import random
from dataclasses import fields

import pytest

from memebattle.battle import events, view
from memebattle.battle.course import due
from memebattle.battle.events import Choice
from memebattle.battle.fold import apply
from memebattle.battle.messages import HostAction
from memebattle.battle.orders import Refused
from memebattle.battle.pairing import next_pair
from memebattle.battle.state import Battle, Phase, duel_match
from tests.battles import CODE, Game, seat

SEEDS, STEPS = range(60), 400
NEXT: dict[Phase, set[Phase]] = {
    "lobby": {"prompt", "finished"},
    "prompt": {"paint", "finished"},
    "paint": {"vote", "reveal", "finished"},
    "vote": {"reveal", "finished"},
    "reveal": {"prompt", "duel", "finished"},
    "duel": {"verdict", "finished"},
    "verdict": {"duel", "finished"},
    "finished": set(),
}
ACTIONS: list[HostAction] = [
    "start", "pause", "resume", "resume", "skip", "extend", "hide", "approve", "approve", "kick", "end",
]  # fmt: skip
CHOICES: list[Choice] = ["left", "right", "skip"]


class World:
    """One battle of one seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.game = Game.opened(
            rounds=self.dice.choice([1, 1, 2, 3]),
            votes_per_round=self.dice.randint(1, 6),
            final=self.dice.random() < 0.8,
            approve=self.dice.random() < 0.3,
            max_players=self.dice.randint(3, 12),
        )
        self.behind = self.game.replayed()
        self.phases: list[tuple[Phase, int]] = []

    @property
    def battle(self) -> Battle:
        return self.game.battle

    def run(self, steps: int) -> None:
        doings = [
            *[self.joins] * 3, *[self.enters] * 5, *[self.is_painted] * 5, *[self.votes] * 8,
            *[self.answers] * 12, self.is_ordered, *[self.goes_on] * 6, *[self.passes] * 4, self.falls_behind,
            self.offers_what_it_believes,
        ]  # fmt: skip
        for _ in range(steps):
            self.dice.choice(doings)()
            self.look()

    def anybody(self) -> str:
        return seat(self.dice.randint(1, 14))

    def joins(self) -> None:
        self.game.join(self.dice.randint(1, 14), self.dice.choice(["Ada", "ada", "Bob", "Eve", "Zoë"]))

    def enters(self) -> None:
        self.game.enter(self.dice.randint(1, 14))

    def is_painted(self) -> None:
        if pending := self.battle.pending():
            self.game.paint(self.dice.choice(pending), self.dice.choice([None, None, None, "timeout"]))

    def votes(self) -> None:
        """For anything, in any match."""
        names = [*self.battle.entries, "nothing"]
        left, right = self.dice.choice(names), self.dice.choice(names)
        match = self.dice.choice(
            [f"round{self.battle.round}-{min(left, right)}-{max(left, right)}", duel_match(1), "round1-a-b"]
        )
        self.game.vote(self.anybody(), match, left, right, self.dice.choice(CHOICES))

    def answers(self) -> None:
        """What was asked."""
        voter, duel = self.anybody(), self.battle.duel
        if duel is not None and self.battle.phase == "duel":
            match = duel_match(duel.number)
            self.game.vote(voter, match, duel.left, duel.right, self.dice.choice(CHOICES))
        elif self.battle.phase == "vote" and (pair := next_pair(self.battle, voter)) is not None:
            self.game.vote(voter, pair.match, pair.left, pair.right, self.dice.choice(CHOICES))

    def is_ordered(self) -> None:
        action = self.dice.choice(ACTIONS)
        targets = [None, *self.battle.entries, *self.battle.seats]
        if action == "end" and self.dice.random() < 0.9:
            return
        try:
            self.game.order(action, self.dice.choice(targets))
        except Refused:
            return

    def goes_on(self) -> None:
        if self.battle.phase == "lobby":
            self.start()
        elif (event := due(self.battle, self.game.now)) is not None:
            assert self.game.offer(event)

    def start(self) -> None:
        if any(self.battle.players()):
            self.game.order("start")

    def passes(self) -> None:
        self.game.now += self.dice.randint(0, 4000)

    def falls_behind(self) -> None:
        self.behind = self.game.replayed()

    def offers_what_it_believes(self) -> None:
        """A replica that has not read on for a while: its offer is taken only if nothing was missed."""
        event = due(self.behind, self.game.now)
        is_fresh = self.behind.log_sequence == self.battle.log_sequence
        if event is not None:
            assert self.game.offer(event, self.behind) is is_fresh

    def look(self) -> None:
        """What holds at any moment."""
        battle = self.battle
        now = (battle.phase, battle.round)
        if not self.phases or self.phases[-1] != now:
            if self.phases:
                assert now[0] in NEXT[self.phases[-1][0]] or now == self.phases[-1]
                assert now[1] >= self.phases[-1][1]
            self.phases.append(now)
        assert sum(1 for _ in battle.players()) <= battle.options.max_players
        assert len({each.name.casefold() for each in battle.seats.values()}) == len(battle.seats)
        assert all(0 <= total <= 1000 * len(battle.boards) for total in battle.points.values())
        assert battle.remaining is None or battle.remaining >= 0

    def check_votes(self) -> None:
        """What holds of every choice that counts."""
        cast: dict[tuple[int, str], int] = {}
        for match, by_voter in self.battle.votes.items():
            for voter, vote in by_voter.items():
                sides = [self.battle.entries[name] for name in (vote.left, vote.right)]
                assert voter not in {side.seat for side in sides}, "a vote for one's own"
                assert voter == vote.seat
                assert match == vote.match
                if match.startswith("round"):
                    assert sides[0].round == sides[1].round
                if match.startswith("round") and all(map(self.battle.may_show, sides)):
                    cast[sides[0].round, voter] = cast.get((sides[0].round, voter), 0) + 1
        assert all(count <= self.battle.options.votes_per_round for count in cast.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rules_hold_whatever_happens(seed: int) -> None:
    world = World(seed)
    world.run(STEPS)
    world.check_votes()
    views = view.for_screens(world.battle, 0), view.for_phones(world.battle, 0)
    prefix = world.dice.randint(1, len(world.game.stored))
    # a replay says the same, from the beginning and going on from any place
    for battle in (world.game.replayed(), _continued(world.game.replayed(prefix), world.game, prefix)):
        assert _differences(battle, world.battle) == []
        assert (view.for_screens(battle, 0), view.for_phones(battle, 0)) == views


@pytest.mark.parametrize("seed", SEEDS)
def test_every_battle_ends_by_the_clock_alone(seed: int) -> None:
    world = World(seed)
    world.run(100)
    if world.battle.phase == "lobby":
        world.game.join(1)
        world.start()
    if world.battle.is_paused:
        world.game.order("resume")
    world.game.play_to_the_end()
    world.look()
    world.check_votes()

    assert (world.battle.deadline, world.battle.remaining) == (None, None)


def test_the_seeds_reach_every_phase_and_every_event() -> None:
    """Or the tests above would hold of less than they seem to."""
    phases, kinds, refused = set[Phase](), set[str](), 0
    for seed in SEEDS:
        world = World(seed)
        world.run(STEPS)
        phases |= {phase for phase, _ in world.phases}
        kinds |= {event.type for _, event in world.game.stored}
        counted = sum(len(by_voter) for by_voter in world.battle.votes.values())
        refused += sum(event.type == "voted" for _, event in world.game.stored) - counted

    assert phases == set(NEXT)
    assert len(kinds) == 18
    assert refused > 0


def _continued(battle: Battle, game: Game, prefix: int) -> Battle:
    for sequence, event in game.stored[prefix:]:
        apply(battle, sequence, event)
    return battle


def _differences(one: Battle, other: Battle) -> list[str]:
    return [each.name for each in fields(Battle) if getattr(one, each.name) != getattr(other, each.name)]


def test_an_event_that_was_read_already_changes_nothing() -> None:
    game = Game.opened(3)
    before = game.replayed()
    for sequence, event in game.stored:
        assert apply(game.battle, sequence, event) is False
    assert _differences(game.battle, before) == []
    assert game.battle.code == CODE


def test_events_before_a_battle_is_opened_are_nothing() -> None:
    game = Game()
    game.join(1)

    assert not game.battle.exists
    assert game.battle.seats == {}
    opened = events.Created(at=1, host="h", salt="s", options=Game.opened().battle.options)
    assert not game.offer(opened)  # the code is in use by something
