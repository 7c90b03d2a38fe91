"""The game: its names, and what it allows."""

from __future__ import annotations

from pydantic import Field

from memebattle.settings.group import Group


class BattleSettings(Group):
    """The Meme Battle Royale."""

    queue_group: str = Field(
        "battle-hosts",
        alias="BATTLE_QUEUE_GROUP",
        description="Queue group of the workers that serve battles",
    )
    max_players: int = Field(
        300, ge=2, le=1000, alias="BATTLE_MAX_PLAYERS", description="Most seats a battle may offer"
    )
    blocked_words: str = Field(
        "",
        alias="BATTLE_BLOCKED_WORDS",
        description="Words that names and prompts may not have, comma separated, beside the list of ours",
    )
    new_per_minute: float = Field(
        30, gt=0, alias="BATTLE_NEW_PER_MINUTE", description="Battles that may be opened at one worker"
    )
