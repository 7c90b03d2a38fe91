"""What a host may choose when opening a battle."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from memebattle.battle.names import shown
from memebattle.bus.messages import WireModel

MAX_THEME, MAX_THEMES = 80, 20

type Moderation = Literal["none", "moderate", "strict"]
Theme = Annotated[str, BeforeValidator(shown), Field(min_length=1, max_length=MAX_THEME)]


class Options(WireModel):
    """The rules of one battle. Times are in seconds and are all stretched by `pace`."""

    rounds: int = Field(2, ge=1, le=10, description="Rounds before the final")
    prompt_seconds: int = Field(60, ge=5, le=600, description="Time for a prompt")
    paint_seconds: int = Field(45, ge=1, le=600, description="Longest wait for the last pictures")
    vote_seconds: int = Field(45, ge=5, le=600, description="Time to judge pairs")
    reveal_seconds: int = Field(12, ge=1, le=120, description="How long a result stays on the screen")
    duel_seconds: int = Field(20, ge=3, le=120, description="Time for each match of the final")
    votes_per_round: int = Field(6, ge=1, le=20, description="Pairs that one voter is asked about")
    pace: float = Field(1.0, ge=1, le=3, description="1.5 or 2 for more time everywhere")
    final: bool = Field(default=True, description="A knock-out among the four best memes at the end")
    moderation: Moderation = Field(
        "moderate", description="`none`; `moderate`: coarse words are refused; `strict`: rude ones too"
    )
    approve: bool = Field(default=False, description="The host lets every meme be shown, or not")
    max_players: int = Field(300, ge=2, le=1000, description="Seats")
    themes: tuple[Theme, ...] = Field(
        (), max_length=MAX_THEMES, description="Themes of your own, in order; else ours"
    )

    def milliseconds(self, seconds: int) -> int:
        """A time of these rules, stretched."""
        return round(seconds * 1000 * self.pace)
