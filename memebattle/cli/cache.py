"""`memebattle cache`: how many keys Redis keeps for us, and clearing those that may be cleared.

Only what is a cache can be cleared. Claims, flights, sessions and limits are kinds of keys too: they say who
works on what at this moment, and without them work is done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import typer

from memebattle.cli.connection import redis_url
from memebattle.cli.foreign import printable_line
from memebattle.cli.output import USAGE, Problem, console, emit, note, size

if TYPE_CHECKING:
    from memebattle.store.housekeeping import Housekeeping

app = typer.Typer()
cache = typer.Typer(no_args_is_help=True, help="What Redis keeps: count it, clear it.")
app.add_typer(cache, name="cache")

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line")]


class Kind(NamedTuple):
    """A kind of keys that may be cleared: the word it has in a key, and what is kept there."""

    word: str
    meaning: str


KINDS: Final = {
    "result": Kind("pr", "results of priority, by content and by id"),
    "suggestions": Kind("suggest", "what a language model said about tasks"),
    "session": Kind("psession", "what clients of REST did lately"),
    "temp": Kind("temp", "passing notes: where a task stands"),
    "stats": Kind("stats", "summaries for dashboards"),
    "metrics": Kind("metrics", "figures of every minute"),
    "user": Kind("user", "remembered roles and departments"),
    "meme": Kind("meme", "pictures, by what was asked for"),
    "image": Kind("image", "where the picture of an address is"),
}
NO_CACHE = "not a cache: who works on what, and limits"
LONGEST_WAIT = 5.0  # seconds for some hundred keys; a person has more patience than a request


@cache.command()
def stats(json: Json = False) -> None:
    """How many keys there are of each kind. Exit 1 if one of them would stay for ever.

    Example: memebattle cache stats
    """
    asyncio.run(_stats(json=json))


@cache.command()
def clear(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go; the default")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it")] = False,
    json: Json = False,
) -> None:
    """Forget everything of one kind. Without --yes it only says how much that is.

    Example: memebattle cache clear result --yes
    """
    if kind not in KINDS:
        raise Problem(f"{kind} is no cache that can be cleared", do=f"one of {', '.join(KINDS)}", code=USAGE)
    if dry_run and yes:
        raise Problem("--dry-run and --yes contradict each other", code=USAGE)
    asyncio.run(_clear(kind, dry_run=not yes, json=json))


async def _stats(*, json: bool) -> None:
    async with _housekeeping() as house:
        counts, lasting = await house.kinds(), await house.without_ttl()
    if counts is None or lasting is None:
        raise _away()
    for row in _rows(counts):
        if json:
            emit(row)
        else:
            told = f"{row['kind'] or '-':<12} {row['prefix']:<20} {row['keys']:>10,}  {row['meaning']}"
            console().print(printable_line(told), markup=False, soft_wrap=True)
    if lasting:
        raise Problem(
            f"{len(lasting)} keys have no time to live: {', '.join(sorted(lasting)[:3])}",
            why="every key of ours should end by itself; something else writes under our prefix",
        )
    note(f"{sum(counts.values()):,} keys, all with a time to live", quiet=json)


def _rows(counts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """What can be cleared first, then what cannot."""
    from memebattle.store.redis import PREFIX

    names = {kind.word: name for name, kind in KINDS.items()}
    for word in sorted(counts, key=lambda each: (each not in names, names.get(each, each))):
        name = names.get(word)
        meaning = KINDS[name].meaning if name else NO_CACHE
        yield {"kind": name, "prefix": f"{PREFIX}{word}:", "keys": counts[word], "meaning": meaning}


async def _clear(kind: str, *, dry_run: bool, json: bool) -> None:
    from memebattle.store.redis import PREFIX

    async with _housekeeping() as house:
        found = await house.delete(f"{PREFIX}{KINDS[kind].word}:*", dry_run=dry_run)
    if json:
        emit({"kind": kind, "keys": found.keys, "bytes": found.bytes, "cleared": not dry_run})
    elif not dry_run or found.complete:
        verb = "would clear" if dry_run else "cleared"
        console().print(f"{verb} {found.keys:,} keys of {kind}, {size(found.bytes)}")
    if not found.complete:
        raise _away()
    if dry_run:
        note("nothing was cleared; --yes does it", quiet=json)


@contextlib.asynccontextmanager
async def _housekeeping() -> AsyncIterator[Housekeeping]:
    from pydantic import SecretStr

    from memebattle.kit.metrics import Metrics
    from memebattle.settings import Settings
    from memebattle.store.housekeeping import Housekeeping
    from memebattle.store.redis import RedisStore

    redis = Settings.from_env().redis
    url = redis_url()
    update = {"timeout": max(redis.timeout, LONGEST_WAIT), **({"url": SecretStr(url)} if url else {})}
    logging.getLogger("memebattle.store").addHandler(logging.NullHandler())  # we say it ourselves
    store = RedisStore(redis.model_copy(update=update), Metrics())
    try:
        yield Housekeeping(store)
    finally:
        await store.aclose()


def _away() -> Problem:
    return Problem(
        "Redis does not answer",
        why="nobody is there, or it went away on the way; answers stay exact without it, but cost more",
        do="`memebattle doctor`; set REDIS_URL",
    )
