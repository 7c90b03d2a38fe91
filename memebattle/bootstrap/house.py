"""The worker's house: the services of the contexts it works for.

A context that a worker does not serve is not even imported: it would cost every start, and memory for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from memebattle.bootstrap.opening import open_store
from memebattle.bootstrap.wiring import Wiring

if TYPE_CHECKING:
    from memebattle.bootstrap.chat_house import ChatParts
    from memebattle.bootstrap.meme_house import MemeParts
    from memebattle.bootstrap.priority_house import PriorityParts
    from memebattle.chat.service import Workflow
    from memebattle.memes.service import MemeService
    from memebattle.priority.service import PriorityService


@dataclass(frozen=True, slots=True)
class House:
    """The services of one worker; None for a context it does not serve."""

    memes: MemeService | None = None
    chat: Workflow | None = None
    priority: PriorityService | None = None


@contextlib.asynccontextmanager
async def open_house(
    wiring: Wiring,
    *,
    memes: MemeParts | None = None,
    chat: ChatParts | None = None,
    priority: PriorityParts | None = None,
) -> AsyncIterator[House]:
    """Open what was not given, in order, and close it again."""
    given = {"memes": memes, "chat": chat, "priority": priority}
    async with contextlib.AsyncExitStack() as stack:
        store = None
        if any((parts := given[name]) is None or parts.need_a_store for name in wiring.contexts):
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
        yield house
