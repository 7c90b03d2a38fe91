"""What happens in a battle, as the stream `BATTLES` keeps it. The game is a fold of these events.

Each kind has subjects of its own, because each is another kind of race:

    battle.event.{battle}.course.log                 the course of the game; fenced: one next event, ever
    battle.event.{battle}.seat.{seat}                who sits there; fenced: the first one
    battle.event.{battle}.entry.{round}-{seat}       a prompt; the last one counts
    battle.event.{battle}.meme.{request}             what became of it; fenced: the first one
    battle.event.{battle}.vote.{match}_{seat}        a choice; fenced: one per voter and match, the first one

What two replicas may both try, the stream decides. Whether an event still counts (a vote after the whistle)
is decided by its place in the stream, so that every replica, and every replay, says the same.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from memebattle.battle.options import Options
from memebattle.bus.messages import Token, WireModel

MAX_NAME, MAX_PROMPT = 24, 200

type Choice = Literal["left", "right", "skip"]


class Event(WireModel):
    """Something that happened, and when: milliseconds since 1970, by the clock of whoever recorded it."""

    at: int = Field(description="Milliseconds since 1970, by the clock of whoever recorded it")


class Created(Event):
    """Somebody opened a battle. `salt` makes the public names of entries unguessable."""

    type: Literal["created"] = Field("created", description="What happened")
    host: Token = Field(description="The seat of the host")
    salt: str = Field(description="Makes the names of entries unguessable; never told")
    options: Options = Field(description="The rules")


class Joined(Event):
    """Somebody took a seat."""

    type: Literal["joined"] = Field("joined", description="What happened")
    seat: Token = Field(description="Which seat")
    name: str = Field(max_length=MAX_NAME, description="What they wish to be called")
    avatar: int = Field(ge=0, description="Which face")


class RoundStarted(Event):
    """A theme is up, prompts are wanted until `deadline`."""

    type: Literal["round_started"] = Field("round_started", description="What happened")
    round: int = Field(description="Which round")
    theme: str = Field(description="What the round is about")
    deadline: int = Field(description="Milliseconds since 1970")


class PromptsClosed(Event):
    """No more prompts; the last pictures may come until `deadline`."""

    type: Literal["prompts_closed"] = Field("prompts_closed", description="What happened")
    round: int = Field(description="Which round")
    deadline: int = Field(description="Milliseconds since 1970")


class VotingStarted(Event):
    """Pairs may be judged until `deadline`."""

    type: Literal["voting_started"] = Field("voting_started", description="What happened")
    round: int = Field(description="Which round")
    deadline: int = Field(description="Milliseconds since 1970")


class RoundRevealed(Event):
    """Who made what, and what the votes say; the game goes on at `deadline`."""

    type: Literal["round_revealed"] = Field("round_revealed", description="What happened")
    round: int = Field(description="Which round")
    deadline: int = Field(description="Milliseconds since 1970")


class DuelStarted(Event):
    """Two memes of the final face each other; everybody but their makers chooses until `deadline`."""

    type: Literal["duel_started"] = Field("duel_started", description="What happened")
    duel: int = Field(description="Which match of the final")
    left: str = Field(description="An entry")
    right: str = Field(description="The other one")
    deadline: int = Field(description="Milliseconds since 1970")


class DuelEnded(Event):
    """The choices are in; who won follows from them. The game goes on at `deadline`."""

    type: Literal["duel_ended"] = Field("duel_ended", description="What happened")
    duel: int = Field(description="Which match of the final")
    deadline: int = Field(description="Milliseconds since 1970")


class Finished(Event):
    """The podium."""

    type: Literal["finished"] = Field("finished", description="What happened")


class Paused(Event):
    """The host stopped the clock."""

    type: Literal["paused"] = Field("paused", description="What happened")


class Resumed(Event):
    """And lets it run again, until `deadline`."""

    type: Literal["resumed"] = Field("resumed", description="What happened")
    deadline: int = Field(description="Milliseconds since 1970")


class Extended(Event):
    """The host gave more time."""

    type: Literal["extended"] = Field("extended", description="What happened")
    deadline: int = Field(description="Milliseconds since 1970")


class Hidden(Event):
    """The host took an entry off the screen; it is out of the battle."""

    type: Literal["hidden"] = Field("hidden", description="What happened")
    entry: str = Field(description="Which entry")


class Approved(Event):
    """The host lets an entry be shown, where each needs to be."""

    type: Literal["approved"] = Field("approved", description="What happened")
    entry: str = Field(description="Which entry")


class Kicked(Event):
    """The host sent somebody out, with what they made."""

    type: Literal["kicked"] = Field("kicked", description="What happened")
    seat: Token = Field(description="Which seat")


class Entered(Event):
    """A prompt for this round; a later one of the same seat replaces it while prompts are wanted."""

    type: Literal["entered"] = Field("entered", description="What happened")
    round: int = Field(description="Which round")
    seat: Token = Field(description="Whose")
    prompt: str = Field(max_length=MAX_PROMPT, description="What the meme is about")
    request_id: Token = Field(description="The request for its picture")


class Painted(Event):
    """The picture of a request, or why there is none."""

    type: Literal["painted"] = Field("painted", description="What happened")
    request_id: Token = Field(description="Which request")
    image_url: str | None = Field(None, description="Where the picture is")
    error: str | None = Field(None, description="Why there is none")


class Voted(Event):
    """A choice between two entries, in a round or in a duel."""

    type: Literal["voted"] = Field("voted", description="What happened")
    seat: Token = Field(description="Who chose")
    match: str = Field(description="The pair of a round, or the duel")
    left: str = Field(description="An entry")
    right: str = Field(description="The other one")
    choice: Choice = Field(description="The better one, or none of them")


type Happening = (
    Created | Joined | RoundStarted | PromptsClosed | VotingStarted | RoundRevealed | DuelStarted | DuelEnded
    | Finished | Paused | Resumed | Extended | Hidden | Approved | Kicked | Entered | Painted | Voted
)  # fmt: skip

_READER: TypeAdapter[Happening] = TypeAdapter(Annotated[Happening, Field(discriminator="type")])


def read(body: bytes) -> Happening:
    """An event as it was stored.

    Raises:
        pydantic.ValidationError: no event that we know.
    """
    return _READER.validate_json(body)
