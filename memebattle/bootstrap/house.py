"""The worker's house: the services of the contexts it works for.

A context that a worker does not serve is not even imported: it would cost every start, and memory for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from memebattle.bootstrap.opening import open_store
from memebattle.bootstrap.wiring import Wiring

if TYPE_CHECKING:
    from memebattle.battle.service import BattleService
    from memebattle.bootstrap.battle_house import BattleParts
    from memebattle.bootstrap.chat_house import ChatParts
    from memebattle.bootstrap.meme_house import MemeParts
    from memebattle.bootstrap.priority_house import PriorityParts
    from memebattle.chat.service import Workflow
    from memebattle.memes.service import MemeService
    from memebattle.priority.service import PriorityService


class Parts(Protocol):
    """What a context may be given instead of the real thing."""

    @property
    def need_a_store(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class House:
    """The services of one worker; None for a context it does not serve."""

    memes: MemeService | None = None
    chat: Workflow | None = None
    priority: PriorityService | None = None
    battles: BattleService | None = None


@contextlib.asynccontextmanager
async def open_house(
    wiring: Wiring,
    *,
    memes: MemeParts | None = None,
    chat: ChatParts | None = None,
    priority: PriorityParts | None = None,
    battle: BattleParts | None = None,
) -> AsyncIterator[House]:
    """Open what was not given, in order, and close it again."""
    given = {"memes": memes, "chat": chat, "priority": priority, "battle": battle}
    async with contextlib.AsyncExitStack() as stack:
        store = None
        if any(_needs_a_store(name, given[name]) for name in wiring.contexts):
            store = await open_store(stack, wiring)
        house = House()
        if "memes" in wiring.contexts:
            from memebattle.bootstrap.meme_house import MemeParts, open_memes  # noqa: PLC0415 - see above

            house = replace(house, memes=await open_memes(stack, wiring, store, memes or MemeParts()))
        if "chat" in wiring.contexts:
            from memebattle.bootstrap.chat_house import ChatParts, open_chat  # noqa: PLC0415 - see above

            house = replace(house, chat=await open_chat(stack, wiring, store, chat or ChatParts()))
        if "priority" in wiring.contexts:
            from memebattle.bootstrap.priority_house import (  # noqa: PLC0415 - see above
                PriorityParts,
                open_priority,
            )

            opened = await open_priority(stack, wiring, store, priority or PriorityParts())
            house = replace(house, priority=opened)
        if "battle" in wiring.contexts:
            from memebattle.bootstrap.battle_house import BattleParts, open_battles  # noqa: PLC0415 - see above

            house = replace(house, battles=open_battles(stack, wiring, battle or BattleParts()))
        yield house


def _needs_a_store(context: str, parts: Parts | None) -> bool:
    """Redis is not opened for who plays only: what is known of a battle is in its stream."""
    return context != "battle" and (parts is None or parts.need_a_store)
