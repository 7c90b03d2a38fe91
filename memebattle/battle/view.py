"""What may be seen of a battle: by everybody, by a screen, by one seat.

Until they are revealed nobody is told who made which meme, not even by who was ready when: while prompts come
in a screen shows who has handed in, and pictures afterwards. Phones get a view of two or three kilobytes; a
screen that shows all players and all memes gets the whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from memebattle.battle.events import Voted
from memebattle.battle.messages import (
    BattleView,
    DuelView,
    EntryView,
    PlayerView,
    SeatView,
    StandingView,
)
from memebattle.battle.pairing import voters_left
from memebattle.battle.ranking import Standing
from memebattle.battle.state import Battle, Duel, Entry, duel_match

TOP = 3  # what a phone is shown of a result
NEWEST = 8  # and of those who wait for the beginning
NAMED, FINAL = {"reveal", "finished"}, {"duel", "verdict"}


def for_phones(battle: Battle, now: int) -> BattleView:
    """The short form: no list of all players, and only the memes that everybody looks at."""
    board = [] if battle.champion and battle.duels else _board(battle)[:TOP]
    names = {battle.champion} if battle.champion else _on_stage(battle)
    entries = _entries(battle, names | {each.entry for each in board})
    return _view(battle, now, entries=entries, board=board, players=_faces(battle, entries))


def for_screens(battle: Battle, now: int) -> BattleView:
    """Everything that everybody may see."""
    board = _board(battle)
    names = {entry.id for entry in battle.entries_of_round()} | {each.entry for each in board}
    entries = _entries(battle, names | _on_stage(battle))
    shown = entries if battle.phase != "prompt" else []
    return _view(battle, now, entries=shown, board=board, players=_players(battle, battle.seats))


def for_seat(battle: Battle, seat: str) -> SeatView:
    """What this seat may know of itself."""
    found, entry = battle.seats.get(seat), battle.entry_of(seat)
    return SeatView(
        seat=seat,
        name=found.name if found else "",
        avatar=found.avatar if found else 0,
        is_host=seat == battle.host,
        is_player=found is not None and not found.is_out,
        entry=entry.id if entry else None,
        request_id=entry.request_id if entry else None,
        prompt=entry.prompt if entry else None,
        votes_cast=battle.cast.get(seat, 0),
        has_chosen=seat in _choices_of_duel(battle),
        is_on_stage=battle.phase in FINAL
        and any(battle.entries[name].seat == seat for name in _on_stage(battle)),
        standing=next((line for line in _board(battle) if entry and line.entry == entry.id), None),
        points=battle.points.get(seat, 0),
        rank=battle.rank(seat),
    )


def entry_in_question(entry: Entry) -> EntryView:
    """A meme as somebody judges it: the picture, and its words for who cannot see it; not whose it is."""
    return EntryView(id=entry.id, image_url=entry.image_url, prompt=entry.prompt)


def _view(
    battle: Battle,
    now: int,
    *,
    entries: list[EntryView],
    board: list[StandingView],
    players: list[PlayerView],
) -> BattleView:
    of_round = battle.entries_of_round()
    return BattleView(
        battle_id=battle.code,
        sequence=battle.sequence,
        phase=battle.phase,
        round=battle.round,
        rounds=battle.options.rounds,
        theme=battle.theme,
        deadline=battle.deadline,
        remaining=battle.remaining,
        now=now,
        # themes to come are a surprise, and long
        options=battle.options.model_copy(update={"themes": ()}),
        players=players,
        entries=entries,
        board=board,
        duels=duels(battle),
        matches=battle.matches,
        champion=battle.champion,
        seats=sum(1 for _ in battle.players()),
        entered=len(of_round),
        painted=sum(entry.is_settled for entry in of_round),
        votes=sum(battle.cast.values()),
        voters_done=_voters_done(battle),
    )


def _voters_done(battle: Battle) -> int:
    """How many have judged all they are asked about, or have chosen in the duel."""
    if battle.phase == "vote":
        return sum(1 for _ in battle.players()) - sum(1 for _ in voters_left(battle))
    return len(_choices_of_duel(battle))


def _choices_of_duel(battle: Battle) -> Mapping[str, Voted]:
    """Voter -> choice in the match that is on, or was last."""
    duel = battle.duel
    return battle.votes.get(duel_match(duel.number), {}) if duel else {}


def _entries(battle: Battle, names: Iterable[str]) -> list[EntryView]:
    return [_entry(battle, battle.entries[name]) for name in sorted(names)]


def _entry(battle: Battle, entry: Entry) -> EntryView:
    is_named = battle.phase in NAMED or (battle.phase in FINAL and entry.id not in _on_stage(battle))
    may_show, is_waiting = battle.may_show(entry), battle.is_waiting(entry)
    return EntryView(
        id=entry.id,
        image_url=entry.image_url if may_show or is_waiting else None,
        prompt=entry.prompt if may_show and (is_named or battle.phase in FINAL) else None,
        seat=entry.seat if is_named else None,
        is_waiting=is_waiting,
        error=entry.error,
    )


def _on_stage(battle: Battle) -> set[str]:
    """The two that face each other; at the end all finalists."""
    duel = battle.duel
    if duel is None:
        return set()
    if battle.phase == "finished":
        return {name for each in battle.duels for name in (each.left, each.right)}
    return {duel.left, duel.right}


def standings(board: Iterable[Standing]) -> list[StandingView]:
    """The lines of a result, ties said as ties."""
    lines = list(board)
    ranks = Counter(standing.rank for standing in lines)
    return [_standing(standing, is_tied=ranks[standing.rank] > 1) for standing in lines]


def duels(battle: Battle) -> list[DuelView]:
    """The final so far; votes of matches that have ended."""
    return [_duel(battle, duel) for duel in battle.duels]


def _board(battle: Battle) -> list[StandingView]:
    return standings(battle.board) if battle.phase in NAMED else []


def _standing(standing: Standing, *, is_tied: bool) -> StandingView:
    return StandingView(
        entry=standing.entry,
        rank=standing.rank,
        points=standing.points,
        wins=standing.wins,
        games=standing.games,
        is_tied=is_tied,
        is_close=standing.is_close,
    )


def _duel(battle: Battle, duel: Duel) -> DuelView:
    if duel.winner is None:
        return DuelView(number=duel.number, left=duel.left, right=duel.right)
    won = [winner for winner, _ in battle.choices(duel_match(duel.number))]
    return DuelView(
        number=duel.number,
        left=duel.left,
        right=duel.right,
        winner=duel.winner,
        is_tie=duel.is_tie,
        votes_left=won.count(duel.left),
        votes_right=won.count(duel.right),
    )


def _players(battle: Battle, seats: Iterable[str]) -> list[PlayerView]:
    """These seats, the most points first, and last those who were sent out."""
    found = [battle.seats[seat] for seat in seats]
    ranks = _ranks(battle)
    order = sorted(found, key=lambda seat: (seat.is_out, -battle.points[seat.id], seat.name, seat.id))
    return [
        PlayerView(
            seat=seat.id,
            name=seat.name,
            avatar=seat.avatar,
            points=battle.points[seat.id],
            rank=ranks[battle.points[seat.id]],
            has_entered=battle.entry_of(seat.id) is not None,
            is_out=seat.is_out,
        )
        for seat in order
    ]


def _ranks(battle: Battle) -> Mapping[int, int]:
    """Points -> place among those who are still in."""
    totals = sorted((battle.points[seat.id] for seat in battle.players()), reverse=True)
    places = {points: place for place, points in reversed(list(enumerate(totals, start=1)))}
    return defaultdict(lambda: len(totals) + 1, places)


def _faces(battle: Battle, entries: Iterable[EntryView]) -> list[PlayerView]:
    """On phones: who came last while all wait; later the best, and the makers of what is shown."""
    if battle.phase == "lobby":
        return _players(battle, [seat.id for seat in battle.players()][-NEWEST:])
    if battle.phase not in NAMED:
        return []
    best = sorted(battle.players(), key=lambda seat: (-battle.points[seat.id], seat.name, seat.id))[:TOP]
    makers = [entry.seat for entry in entries if entry.seat is not None]
    return _players(battle, dict.fromkeys([*(seat.id for seat in best), *makers]))
