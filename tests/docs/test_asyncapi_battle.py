"""What the documents say of battles."""

from __future__ import annotations

from typing import Any

import pytest

from memebattle.battle import events
from memebattle.battle.events import Happening
from memebattle.battle.messages import BattleReply
from memebattle.cli import spec
from memebattle.cli.spec.battle_examples import BATTLE_EXAMPLES
from memebattle.cli.spec.schema import name_in
from memebattle.cli.spec.types import typescript


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return spec.build()


def test_every_command_is_replied_to(document: dict[str, Any]) -> None:
    replies = {
        name: name_in(each["reply"]["channel"])
        for name, each in document["operations"].items()
        if "reply" in each and name.startswith("Battle")
    }

    commands = ("Create", "Join", "Entry", "Question", "Vote", "Host", "Look")
    assert replies == {f"Battle{name}": "BattleReply" for name in commands}
    assert document["channels"]["BattleReply"]["address"] is None


def test_commands_are_shared_among_the_workers(document: dict[str, Any]) -> None:
    for name in ("BattleJoin", "BattleLook"):
        assert document["channels"][name]["x-nats-core"] == {"queue": "battle-hosts"}


def test_every_kind_of_event_has_its_message_and_is_kept(document: dict[str, Any]) -> None:
    channel = document["channels"]["BattleEvent"]

    assert channel["x-nats-jetstream"]["stream"]["name"] == "BATTLES"
    assert len(channel["messages"]) == 18


def test_every_example_can_be_read() -> None:
    for name, examples in BATTLE_EXAMPLES.items():
        for example in examples():
            if hasattr(events, name):
                body = getattr(events, name).model_validate(example["payload"])
                event: Happening = events.read(body.body())
                assert type(event).__name__ == name
            elif name == "BattleReply":
                assert BattleReply.model_validate(example["payload"]).ok is example["payload"]["ok"]


def test_pages_have_types_for_all_of_it(document: dict[str, Any]) -> None:
    types = typescript(document)

    for name in ("BattleView", "BattleReply", "SeatView", "QuestionView", "Options", "StandingView"):
        assert f"export interface {name} {{" in types
    assert "  [subject: `battle.command.${string}.vote`]: BattleVote;\n" in types
    assert "  [subject: `battle.view.${string}`]: BattleView;\n" in types
