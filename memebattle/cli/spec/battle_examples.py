"""Examples of battles: one evening of Ada and Bob, from the first command to the podium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from memebattle.battle import events, view
from memebattle.battle.events import Happening
from memebattle.battle.fold import fold
from memebattle.battle.messages import (
    BattleCreate,
    BattleEntry,
    BattleHost,
    BattleJoin,
    BattleLook,
    BattleQuestion,
    BattleReply,
    BattleVote,
)
from memebattle.battle.options import Options
from memebattle.battle.state import Battle, entry_id
from memebattle.bus.messages import WireModel, decode
from memebattle.cli.spec.chat_examples import Example

CODE, TOKEN, AT = "KBDF", "q0Xw7m2VtLr5Yc9ZbN4s8A", 1795212000000
HOST, ADA, BOB = "9f1c2b7e4d6a8053", "4fb62c7eb894cd2f", "f9cca547feed3fe8"
SALT = "6c1f0a9be2d84c37"
PICTURE = "/images/55796628b13cd9a2ab01f8b7f22e75548c627216d355b14bbfa19cfb8b421457.webp"
FIRST, SECOND = (entry_id(SALT, 1, seat) for seat in (ADA, BOB))
DEADLINE = AT + 60_000


def _happened() -> list[Happening]:
    """One of each kind, in an order that could be."""
    return [
        events.Created(at=AT, host=HOST, salt=SALT, options=Options(rounds=1)),
        events.Joined(at=AT, seat=ADA, name="Ada", avatar=3),
        events.Joined(at=AT, seat=BOB, name="Bob", avatar=7),
        events.Kicked(at=AT, seat="50238f070f0e8e47"),
        events.RoundStarted(at=AT, round=1, theme="Deploying on Friday", deadline=DEADLINE),
        events.Paused(at=AT),
        events.Resumed(at=AT, deadline=DEADLINE),
        events.Extended(at=AT, deadline=DEADLINE),
        events.Entered(at=AT, round=1, seat=ADA, prompt="this is | fine", request_id=f"{CODE}-4b1f"),
        events.Entered(at=AT, round=1, seat=BOB, prompt="ship it", request_id=f"{CODE}-00f0"),
        events.PromptsClosed(at=AT, round=1, deadline=DEADLINE),
        events.Painted(at=AT, request_id=f"{CODE}-4b1f", image_url=PICTURE),
        events.Painted(at=AT, request_id=f"{CODE}-00f0", image_url=PICTURE),
        events.Approved(at=AT, entry=FIRST),
        events.Hidden(at=AT, entry="5d18d087d611"),
        events.VotingStarted(at=AT, round=1, deadline=DEADLINE),
        events.Voted(
            at=AT, seat=HOST, match=f"round1-{FIRST}-{SECOND}", left=FIRST, right=SECOND, choice="left"
        ),
        events.RoundRevealed(at=AT, round=1, deadline=DEADLINE),
        events.DuelStarted(at=AT, duel=1, left=FIRST, right=SECOND, deadline=DEADLINE),
        events.DuelEnded(at=AT, duel=1, deadline=DEADLINE),
        events.Finished(at=AT),
    ]


def _battle(until: type[Happening]) -> Battle:
    happened = _happened()
    count = max(number for number, event in enumerate(happened) if isinstance(event, until)) + 1
    return fold(CODE, enumerate(happened[:count], start=1))


def _example(name: str, message: WireModel) -> Example:
    return {"name": name, "payload": decode(message.body())}


def _one(name: str, message: WireModel) -> Iterator[Example]:
    yield _example(name, message)


def _of_kind(kind: type[Happening]) -> Iterator[Example]:
    found = next(event for event in _happened() if isinstance(event, kind))
    yield _example(found.type.replace("_", " "), found)


def _views() -> Iterator[Example]:
    yield _example("in the lobby", view.for_phones(_battle(events.Joined), AT))
    yield _example("the result", view.for_screens(_battle(events.RoundRevealed), AT))


def _replies() -> Iterator[Example]:
    battle = _battle(events.VotingStarted)
    reply = BattleReply(
        ok=True, battle_id=CODE, view=view.for_phones(battle, AT), me=view.for_seat(battle, ADA)
    )
    yield _example("taken", reply)
    yield _example("refused", BattleReply.refusal("not_now", "prompts are not wanted at the moment"))


BATTLE_EXAMPLES: dict[str, Callable[[], Iterator[Example]]] = {
    "BattleCreate": partial(_one, "two rounds", BattleCreate(token=TOKEN, options=Options(rounds=2))),
    "BattleJoin": partial(_one, "Ada", BattleJoin(token=TOKEN, name="Ada", avatar=3)),
    "BattleEntry": partial(_one, "both captions", BattleEntry(token=TOKEN, prompt="this is | fine")),
    "BattleQuestion": partial(_one, "what next", BattleQuestion(token=TOKEN)),
    "BattleVote": partial(
        _one,
        "the left one",
        BattleVote(
            token=TOKEN,
            match=f"round1-{FIRST}-{SECOND}",
            left=FIRST,
            right=SECOND,
            choice="left",
            ticket="1c8b4f0e6a2d9735b1c8e4f0",
        ),
    ),
    "BattleHost": partial(_one, "begin", BattleHost(token=TOKEN, action="start")),
    "BattleLook": partial(_one, "for a screen", BattleLook(battle_id=CODE, whole=True)),
    "BattleView": _views,
    "BattleReply": _replies,
    **{type(event).__name__: partial(_of_kind, type(event)) for event in _happened()},
}
