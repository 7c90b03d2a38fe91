"""What FastStream cannot know of battles: the reply, and what is heard on channels of memes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from memebattle.battle.events import Happening
from memebattle.battle.messages import BattleReply
from memebattle.cli.spec.schema import SCHEMAS, Json
from memebattle.cli.spec.vocabulary import Operation

COMMANDS = (
    "BattleCreate", "BattleJoin", "BattleEntry", "BattleQuestion", "BattleVote", "BattleHost", "BattleLook",
)  # fmt: skip
# a worker of battles hears them as well: subscriber -> the channel that is there already
HEARD = {"BattlePicture": "MemeCreated", "BattleNoPicture": "MemeError"}

KINDS = get_args(Happening.__value__)
# what FastStream cannot know of a channel: it takes an alias for one message
PAYLOADS = {"BattleReply": ["BattleReply"], "BattleEvent": [kind.__name__ for kind in KINDS]}


def channels(known: Json) -> Json:
    """All but the second names of channels, and the reply's."""
    return {name: each for name, each in known.items() if name not in HEARD} | {
        "BattleReply": {"address": None}
    }


def operations(known: dict[str, Operation]) -> dict[str, Operation]:
    """Each at the channel it belongs to."""
    return {
        name: replace(each, channel=HEARD[name]) if name in HEARD else each for name, each in known.items()
    }


def schemas() -> Json:
    """The payloads of those channels, and what they refer to."""
    found: Json = {}
    for model in (BattleReply, *KINDS):
        schema = model.model_json_schema(ref_template=f"{SCHEMAS}{{model}}")
        found |= schema.pop("$defs", {}) | {model.__name__: schema}
    return found
