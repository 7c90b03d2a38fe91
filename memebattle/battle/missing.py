"""Pictures that nobody told us about: news of one may be lost, the stream of answers may not.

Nor is a request ever lost that the stream of requests has taken; but whoever was to hand it in may have died
in between, or found the stream full. So what stays away is asked for again, under the same id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from memebattle.battle.messages import PaintedNews
from memebattle.battle.ports import Painter
from memebattle.battle.state import Battle, Entry

LOOK_AFTER, ASK_AFTER = 3000, 20_000  # milliseconds


@dataclass(slots=True)
class MissingPictures:
    """Those of one battle. `now` is in milliseconds since 1970."""

    painter: Painter
    now: Callable[[], int]
    _looked: dict[str, int] = field(default_factory=dict)  # request id -> when
    _asked: dict[str, int] = field(default_factory=dict)

    async def found(self, battle: Battle) -> AsyncIterator[PaintedNews]:
        """Look for those that are late, one after the other; ask again for those that are very late.

        Raises:
            Unavailable, PublishFailed, QueueFull: not now, the next look may work.
        """
        pending = battle.pending()
        self._forget({entry.request_id for entry in pending})
        for entry in pending:
            if self._is_due(entry) and (news := await self._look(entry)) is not None:
                yield news

    def _is_due(self, entry: Entry) -> bool:
        return self.now() - self._looked.get(entry.request_id, entry.at) >= LOOK_AFTER

    async def _look(self, entry: Entry) -> PaintedNews | None:
        now, name = self.now(), entry.request_id
        self._looked[name] = now
        answer = await self.painter.answer(name)
        if answer is not None:
            return PaintedNews.read(answer.body)
        if now - self._asked.get(name, entry.at) >= ASK_AFTER:
            self._asked[name] = now
            await self.painter.ask(name, entry.prompt)
        return None

    def _forget(self, pending: set[str]) -> None:
        for seen in (self._looked, self._asked):
            for name in seen.keys() - pending:
                del seen[name]
