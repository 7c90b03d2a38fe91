"""The worker of battles without any server, and what pages of strangers may send it: all is replied to."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from faststream.nats import TestApp, TestNatsBroker

from memebattle.battle.messages import BattleReply
from memebattle.battle.painting import MemoryPainter
from memebattle.bootstrap.battle_house import BattleParts
from memebattle.bus.battlelog import MemoryBattleLog
from memebattle.bus.events import MemoryEvents
from memebattle.bus.facts import Fact, Stored
from memebattle.settings import Settings
from memebattle.worker import create_app

TOKEN, OTHER = "t" * 22, "u" * 22
VERBS = ("create", "join", "enter", "next", "vote", "host")


@dataclass
class BrokenLog(MemoryBattleLog):
    """A log with a defect nobody foresaw, when told so."""

    defect: Exception | None = None

    async def after(self, battle: str, sequence: int) -> list[Stored]:
        if self.defect is not None:
            raise self.defect
        return await super().after(battle, sequence)


@dataclass
class InMemory:
    """A worker of battles whose world is this process."""

    log: BrokenLog = field(default_factory=BrokenLog)
    painter: MemoryPainter = field(default_factory=MemoryPainter)
    events: MemoryEvents = field(default_factory=MemoryEvents)
    broker: Any = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[InMemory]:
        parts = BattleParts(
            facts=self.log, painter=self.painter, events=self.events, rng=random.Random(1), now=lambda: 1000
        )
        app = create_app(Settings.from_env({"WORKER_CONTEXTS": "battle"}), battle=parts)
        async with TestNatsBroker(app.wiring.broker, connect_only=True) as self.broker, TestApp(app):
            yield self

    async def ask(self, subject: str, message: Any) -> BattleReply:
        """A request; a reply has to come, and has to be one."""
        reply = await self.broker.request(message, subject, timeout=2)
        assert b"null" not in reply.body
        return BattleReply.read(reply.body)

    async def command(self, verb: str, code: str = "new", **fields: Any) -> BattleReply:
        return await self.ask(f"battle.command.{code}.{verb}", {"token": TOKEN, **fields})

    async def opened(self) -> str:
        reply = await self.command("create")
        assert reply.ok
        return str(reply.battle_id)


@pytest.fixture
async def world() -> AsyncIterator[InMemory]:
    async with InMemory().running() as world:
        yield world


async def test_a_battle_is_opened_joined_and_begun(world: InMemory) -> None:
    code = await world.opened()
    joined = await world.command("join", code, token=OTHER, name="Ada", avatar=3)
    begun = await world.command("host", code, action="start")
    entered = await world.command("enter", code, token=OTHER, prompt="a cat")
    looked = await world.ask("battle.state", {"battle_id": code, "token": OTHER, "whole": True})

    assert [each.ok for each in (joined, begun, entered, looked)] == [True] * 4
    assert looked.view is not None
    assert looked.me is not None
    assert [(each.name, each.avatar, each.has_entered) for each in looked.view.players] == [("Ada", 3, True)]
    assert [(looked.me.request_id, "a cat")] == world.painter.asked


@pytest.mark.parametrize("subject", ["meme.created", "meme.response.error"])
async def test_a_picture_that_is_told_about_is_noted(world: InMemory, subject: str) -> None:
    code = await world.opened()
    await world.command("join", code, token=OTHER, name="Ada")
    await world.command("host", code, action="start")
    await world.command("enter", code, token=OTHER, prompt="a cat")
    said = {"request_id": world.painter.asked[0][0], "prompt": "a cat"}
    said |= {"image_url": "/images/1.webp"} if subject == "meme.created" else {"error": "no", "code": "nsfw"}
    await world.broker.publish(said, subject)
    await world.broker.publish({"request_id": "somebody-elses", "error": "no"}, subject)
    await world.broker.publish(b"no JSON", subject)
    looked = await world.ask("battle.state", {"battle_id": code, "whole": True})

    assert looked.view is not None
    (entry,) = looked.view.entries
    assert (entry.image_url, entry.error) == (said.get("image_url"), said.get("error"))


NONSENSE = (b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b"{}", b"[" * 10_000)


@pytest.mark.parametrize("verb", [*VERBS, "state"])
async def test_what_is_no_command_is_replied_to(world: InMemory, verb: str) -> None:
    subject = "battle.state" if verb == "state" else f"battle.command.KBDF.{verb}"
    for body in NONSENSE:
        reply = await world.ask(subject, body)
        assert (reply.ok, reply.code) == (False, "invalid")
        assert 0 < len(str(reply.error)) <= 500


NO_TOKEN: dict[str, Any] = {"token": None}  # fine for who only looks
HOSTILE: list[dict[str, Any]] = [
    {"token": "short"},
    {"token": "t" * 65},
    {"token": "t" * 20 + "\n"},
    {"token": "../../../../etc/passwd"},
    NO_TOKEN,
    {"token": ["t" * 22]},
    {"name": ""},
    {"name": "x" * 25},
    {"name": "\u3164\u200b"},
    {"name": {"first": "Ada"}},
    {"avatar": -1},
    {"avatar": 1000},
    {"avatar": 1e400},
    {"prompt": "x" * 201},
    {"prompt": " \u200b "},
    {"prompt": 7},
    {"match": "a.b"},
    {"match": "*"},
    {"match": "x" * 65},
    {"left": ">"},
    {"choice": "both"},
    {"ticket": "x" * 65},
    {"action": "explode"},
    {"seconds": -5},
    {"seconds": 10**9},
    {"target": "a b"},
    {"battle_id": "a.b"},
    {"whole": "perhaps"},
    {"options": {"rounds": 0}},
    {"options": {"rounds": 10**6}},
    {"options": {"prompt_seconds": 0.001}},
    {"options": {"pace": "NaN"}},
    {"options": {"max_players": 10**6}},
    {"options": {"themes": ["x" * 81]}},
    {"options": {"themes": [" "]}},
    {"options": {"themes": ["x"] * 21}},
    {"options": {"moderation": "off"}},
]
WHOLE: dict[str, dict[str, Any]] = {
    "create": {"options": {}},
    "join": {"name": "Ada", "avatar": 1},
    "enter": {"prompt": "a cat"},
    "next": {},
    "vote": {"match": "duel1", "left": "a", "right": "b", "choice": "left", "ticket": "x"},
    "host": {"action": "skip", "seconds": 30, "target": "x"},
    "state": {"battle_id": "KBDF", "whole": True},
}


async def test_hostile_values_are_refused_wherever_they_belong(world: InMemory) -> None:
    for hostile in HOSTILE:
        tried = 0
        for verb, whole in WHOLE.items():
            if not hostile.keys() <= whole.keys() | {"token"} or (verb == "state" and hostile == NO_TOKEN):
                continue
            subject = "battle.state" if verb == "state" else f"battle.command.KBDF.{verb}"
            reply = await world.ask(subject, json.dumps({"token": TOKEN, **whole, **hostile}).encode())
            assert (reply.ok, reply.code) == (False, "invalid"), (verb, hostile)
            tried += 1
        assert tried > 0, hostile

    assert world.log.stored == []


@pytest.mark.parametrize("verb", VERBS[1:])
async def test_commands_for_battles_that_are_not_there(world: InMemory, verb: str) -> None:
    await world.opened()
    for code in ("zzzz", "KBDF", "x" * 64, "x" * 65, "-", "ключ", "new"):
        reply = await world.command(verb, code, **WHOLE[verb])
        assert (reply.ok, reply.code) == (False, "unknown_battle")


async def test_random_nonsense_is_always_replied_to(world: InMemory) -> None:
    """Commands with some fields exchanged for anything, many times over."""
    dice, code = random.Random(7), await world.opened()
    anything: list[Any] = [
        None,
        True,
        0,
        -1,
        2**70,
        1e300,
        "",
        "x",
        "\x00",
        "\ud83d",
        "💥" * 9,
        [],
        {},
        [[]],
        TOKEN,
        code,
    ]
    for _ in range(600):
        verb = dice.choice(VERBS)
        fields: dict[str, Any] = {"token": TOKEN, **WHOLE[verb]}
        for name in dice.sample(sorted(fields), dice.randint(0, len(fields))):
            fields[name] = dice.choice(anything)
        reply = await world.ask(
            f"battle.command.{dice.choice([code, 'new', 'ABCD'])}.{verb}", json.dumps(fields).encode()
        )
        assert reply.ok or reply.error

    seen = (await world.ask("battle.state", {"battle_id": code})).view
    assert seen is not None


@pytest.mark.parametrize("defect", [RuntimeError("a defect"), OSError("a disk"), TimeoutError()])
async def test_a_defect_of_ours_leaves_nobody_waiting(world: InMemory, defect: Exception) -> None:
    code = await world.opened()
    world.log.defect = defect
    replies = [
        await world.command("join", code, name="Ada"),
        await world.ask("battle.state", {"battle_id": code}),
    ]
    world.log.defect = None

    assert {reply.code for reply in replies} == {"unavailable"}
    assert all("defect" not in str(reply.error) for reply in replies)
    assert (await world.command("join", code, name="Ada")).ok


async def test_the_log_takes_only_what_commands_may_write(world: InMemory) -> None:
    code = await world.opened()
    await world.command("join", code, name="<img src=x onerror=", type="finished", seat="x", at=7)

    assert {(fact.battle, fact.kind) for fact in world.log.stored} == {(code, "course"), (code, "seat")}
    assert Fact.__slots__ == ("battle", "kind", "key", "body", "after", "is_first", "id")
