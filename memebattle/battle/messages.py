"""The wire language of battles: what is asked of one, what it replies, and what everybody may see of it.

Commands are requests on `battle.command.{battle_id}.{verb}`; the reply says whether the stream has taken it.
Who acts proves it with a token that only their device knows: the seat is a hash of it, so that the same
device gets the same seat, after a reload, a night, or another server.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer

from memebattle.battle.events import MAX_NAME, MAX_PROMPT, Choice
from memebattle.battle.names import shown
from memebattle.battle.options import Options
from memebattle.battle.state import Phase
from memebattle.bus.messages import Token, WireModel

type Code = Literal[
    "unknown_battle", "not_host", "unknown_seat", "full", "not_now", "refused_words", "invalid", "taken",
    "too_fast", "unavailable",
]  # fmt: skip
type HostAction = Literal["start", "pause", "resume", "skip", "extend", "hide", "approve", "kick", "end"]

Secret = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")]
Said = BeforeValidator(shown)


class BattleCreate(WireModel):
    """On `battle.command.new.create`: open a battle; the sender is its host."""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")
    options: Options = Field(
        default_factory=Options, description="The rules; those that are missing are ours"
    )


class BattleJoin(WireModel):
    """On `...join`: take a seat, or come back to it."""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")
    name: Annotated[str, Said] = Field(
        min_length=1, max_length=MAX_NAME, description="What everybody reads", examples=["Ada"]
    )
    avatar: int = Field(0, ge=0, le=999, description="Which face; drawn by the page")


class BattleEntry(WireModel):
    """On `...enter`: a prompt for this round; the last one before the whistle counts."""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")
    prompt: Annotated[str, Said] = Field(
        min_length=1,
        max_length=MAX_PROMPT,
        description="What the meme is about; `top | bottom` sets both captions",
    )
    round: int | None = Field(
        None, description="Which round it is for; refused in another one. Missing: the one that is on"
    )


class BattleQuestion(WireModel):
    """On `...next`: which two memes should I judge?"""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")


class BattleVote(WireModel):
    """On `...vote`: a choice between the two of a question, or of the duel that is on."""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")
    match: Token = Field(description="Of the question; `duel` and its number in the final")
    left: Token = Field(description="The entry that stood left")
    right: Token = Field(description="The entry that stood right")
    choice: Choice = Field(description="The better one, or none of them")
    ticket: str = Field("", max_length=64, description="From the question; a duel needs none")


class BattleHost(WireModel):
    """On `...host`: what only the host may do. `seconds` for extend, `target` an entry or a seat."""

    token: Secret = Field(description="What proves who acts; 128 random bits that only this device knows")
    action: HostAction = Field(description="What to do")
    seconds: int = Field(30, ge=5, le=300, description="For `extend`: how much more time")
    target: Token | None = Field(None, description="For `hide` and `approve` an entry, for `kick` a seat")
    deadline: int | None = Field(
        None,
        description="For `skip`: the deadline not to wait for; when it is another one, nothing is skipped",
    )


class BattleLook(WireModel):
    """On `battle.state`: how does it stand? With a token, also for me."""

    battle_id: Token = Field(description="The code of the battle", examples=["KBDF"])
    token: Secret | None = Field(None, description="With it the reply says how I stand, too")
    whole: bool = Field(default=False, description="All players and memes too: for a screen")


class Told(WireModel):
    """What is replied or told; what there is not is absent, also in a reply that the framework writes."""

    @model_serializer(mode="wrap")
    def _what_there_is(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value is not None}


class PlayerView(Told):
    """A seat as everybody sees it."""

    seat: str = Field(description="Their seat; a hash that leads to no token")
    name: str = Field(description="What they are called here")
    avatar: int = Field(description="Which face")
    points: int = Field(0, description="Of all rounds; 500 for an average meme")
    rank: int = Field(1, description="By points, among those who are still in; equal points share one")
    has_entered: bool = Field(default=False, description="Whether a prompt of this round is in")
    is_out: bool = Field(default=False, description="Sent out by the host")


class EntryView(Told):
    """A meme of this round. Its maker is named from the reveal on."""

    id: str = Field(description="Says nothing about its maker")
    image_url: str | None = Field(
        None, description="Path on the gateway; absent while it is painted or hidden"
    )
    prompt: str | None = Field(None, description="In a question, in the final, and from the reveal on")
    seat: str | None = Field(None, description="Whose it is; from the reveal on")
    is_waiting: bool = Field(default=False, description="For the host's approval; not for the audience yet")
    error: str | None = Field(None, description="Why there is no picture")


class StandingView(Told):
    """A line of a round's result."""

    entry: str = Field(description="Which meme")
    rank: int = Field(description="1 is best; equal records share one")
    points: int = Field(description="Of 1000 matches against an average meme, how many it should win")
    wins: int = Field(description="Choices for it")
    games: int = Field(description="Choices it was part of, without those that were skipped")
    is_tied: bool = Field(default=False, description="Somebody else has the same rank")
    is_close: bool = Field(default=False, description="Too close to the next better one to be called")


class DuelView(Told):
    """A match of the final. Votes are told when it has ended."""

    number: int = Field(description="1 and 2 are the semi-finals of four; the last one is the final")
    left: str = Field(description="An entry")
    right: str = Field(description="The other one")
    winner: str | None = Field(None, description="Which entry has won")
    is_tie: bool = Field(default=False, description="As many choices for either: the better seeded won")
    votes_left: int | None = Field(None, description="When it has ended")
    votes_right: int | None = Field(None, description="When it has ended")


class BattleView(Told):
    """On `battle.view.{battle_id}`: the battle as everybody may see it. A smaller `sequence` is older."""

    battle_id: str = Field(description="The code of the battle", examples=["KBDF"])
    sequence: int = Field(description="The last event that is in here; a view with a smaller one is older")
    phase: Phase = Field(description="What goes on")
    round: int = Field(description="From 1; 0 in the lobby")
    rounds: int = Field(description="How many there are before the final")
    theme: str = Field("", description="What this round is about")
    deadline: int | None = Field(None, description="Milliseconds since 1970, by the server's clock")
    remaining: int | None = Field(None, description="Milliseconds left while the clock is stopped")
    now: int = Field(description="The server's clock when this was made, to correct one's own")
    options: Options = Field(description="The rules, without the themes to come")
    players: list[PlayerView] = Field(default_factory=list, description="Phones: those who matter now")
    entries: list[EntryView] = Field(default_factory=list, description="Phones: those that all look at now")
    board: list[StandingView] = Field(default_factory=list, description="The result; phones: its first three")
    duels: list[DuelView] = Field(default_factory=list, description="The final so far")
    matches: int = Field(0, description="How many matches the final has, once it has begun: 3 or 1")
    champion: str | None = Field(None, description="The meme of the battle, at the end")
    seats: int = Field(0, description="How many play")
    entered: int = Field(0, description="How many prompts of this round are in")
    painted: int = Field(0, description="How many of them have a picture, or never will")
    votes: int = Field(0, description="Choices so far, of this round and the final")
    voters_done: int = Field(0, description="Who has judged all they are asked, or has chosen in the duel")


class SeatView(Told):
    """What only one seat may know: in replies, never on a shared subject."""

    seat: str = Field(description="The seat that the token opens")
    name: str = Field("", description="What everybody reads; empty for who has not joined")
    avatar: int = Field(0, description="Which face")
    is_host: bool = Field(default=False, description="Whether this battle is theirs")
    is_player: bool = Field(default=False, description="Whether they have a seat and were not sent out")
    entry: str | None = Field(None, description="Their entry of this round")
    request_id: str | None = Field(None, description="Its request, to follow on `meme.status.{request_id}`")
    prompt: str | None = Field(None, description="Its prompt")
    votes_cast: int = Field(0, description="Their choices in this round")
    has_chosen: bool = Field(default=False, description="In the duel that is on")
    is_on_stage: bool = Field(default=False, description="One of the two memes of that duel is theirs")
    standing: StandingView | None = Field(None, description="Their line of this round's result")
    points: int = Field(0, description="Of all rounds")
    rank: int = Field(1, description="Their place by points")


class QuestionView(Told):
    """Two memes to choose from."""

    match: str = Field(description="Names the pair; for the choice")
    left: EntryView = Field(description="Its picture and its prompt")
    right: EntryView = Field(description="Its picture and its prompt")
    ticket: str = Field(description="Proves that this pair was asked about; for the choice")
    number: int = Field(description="The how manieth question of this round")
    of: int = Field(description="How many there are at most")


class PaintedNews(WireModel):
    """What became of a request for a picture, from whichever message said so."""

    request_id: str = Field(description="Which request")
    image_url: str | None = Field(None, description="Where its picture is")
    error: str | None = Field(None, description="Why there is none")


class BattleReply(Told):
    """The reply to a command. Not ok: why, in words for people."""

    ok: bool = Field(description="Whether it was done, and is stored")
    code: Code | None = Field(None, description="Why not, for programs")
    error: str | None = Field(None, description="Why not, for people")
    battle_id: str | None = Field(None, description="The code of the battle")
    view: BattleView | None = Field(None, description="How it stands now")
    me: SeatView | None = Field(None, description="What only the sender may know")
    question: QuestionView | None = Field(None, description="What to judge next")

    @classmethod
    def refusal(cls, code: Code, error: str) -> BattleReply:
        return cls(ok=False, code=code, error=error)
