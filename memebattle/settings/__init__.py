"""Every environment variable, once: name, default, meaning.

Settings are frozen groups of values read from a mapping (the process environment unless a test passes
another one), a file for each group. Nothing here imports anything of ours, and importing it reads nothing.

`rows()` lists the variables for the README table, `.env.example`, `memebattle config` and the Helm chart;
`tests/docs/test_promises.py` holds all of them to it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import SecretStr, ValidationError

from memebattle.settings.battle import BattleSettings
from memebattle.settings.chat import ChatSettings
from memebattle.settings.delivery import DeliverySettings, RedisFailurePolicy
from memebattle.settings.generation import (
    DEFAULT_HF_MODEL,
    GenerationSettings,
    HuggingFaceProvider,
    ImageProvider,
)
from memebattle.settings.group import Group
from memebattle.settings.nats import NatsSettings
from memebattle.settings.original import ORIGINAL, translated
from memebattle.settings.priority import CacheSettings, LegacySettings, PrioritySettings
from memebattle.settings.process import GatewaySettings, ObservabilitySettings
from memebattle.settings.redis import RedisSettings
from memebattle.settings.text import TextProvider, TextSettings

__all__ = [
    "DEFAULT_HF_MODEL",
    "ORIGINAL",
    "BattleSettings",
    "CacheSettings",
    "ChatSettings",
    "DeliverySettings",
    "GatewaySettings",
    "GenerationSettings",
    "HuggingFaceProvider",
    "ImageProvider",
    "LegacySettings",
    "NatsSettings",
    "ObservabilitySettings",
    "PrioritySettings",
    "RedisFailurePolicy",
    "RedisSettings",
    "Row",
    "Settings",
    "SettingsError",
    "TextProvider",
    "TextSettings",
    "rows",
]


class SettingsError(ValueError):
    """A variable has a value we cannot use. The message names the variable and what it accepts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One variable as a document shows it."""

    name: str
    default: str
    meaning: str
    group: str
    secret: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups together. `Settings()` is the default configuration; it needs no environment."""

    nats: NatsSettings = field(default_factory=NatsSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    generation: GenerationSettings = field(default_factory=GenerationSettings)
    text: TextSettings = field(default_factory=TextSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    priority: PrioritySettings = field(default_factory=PrioritySettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    legacy: LegacySettings = field(default_factory=LegacySettings)
    battle: BattleSettings = field(default_factory=BattleSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    observability: ObservabilitySettings = field(default_factory=ObservabilitySettings)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read every group from one mapping; empty values count as not set.

        Raises:
            SettingsError: naming the variable, the value's fault and what it is for.
        """
        source = translated(os.environ if environ is None else environ)
        return cls(
            nats=_read(NatsSettings, source),
            delivery=_read(DeliverySettings, source),
            redis=_read(RedisSettings, source),
            generation=_read(GenerationSettings, source),
            text=_read(TextSettings, source),
            chat=_read(ChatSettings, source),
            priority=_read(PrioritySettings, source),
            cache=_read(CacheSettings, source),
            legacy=_read(LegacySettings, source),
            battle=_read(BattleSettings, source),
            gateway=_read(GatewaySettings, source),
            observability=_read(ObservabilitySettings, source),
        )

    @property
    def worker_id(self) -> str:
        """How this process signs its work."""
        return self.observability.worker_id or socket.gethostname()

    @property
    def image_provider(self) -> Literal["huggingface", "artist"]:
        """The provider that `auto` stands for."""
        chosen = self.generation.provider
        if chosen != "auto":
            return chosen
        return "huggingface" if self.generation.hf_token.get_secret_value() else "artist"

    def values(self) -> Iterator[tuple[Row, Any]]:
        """Every variable with its effective value; secrets stay wrapped."""
        for name in _GROUPS:
            group = getattr(self, name)
            for attribute, row in zip(type(group).model_fields, _rows_of(name), strict=True):
                yield row, getattr(group, attribute)


_GROUPS: dict[str, type[Group]] = {
    "nats": NatsSettings,
    "delivery": DeliverySettings,
    "redis": RedisSettings,
    "generation": GenerationSettings,
    "text": TextSettings,
    "chat": ChatSettings,
    "priority": PrioritySettings,
    "cache": CacheSettings,
    "legacy": LegacySettings,
    "battle": BattleSettings,
    "gateway": GatewaySettings,
    "observability": ObservabilitySettings,
}


def rows() -> list[Row]:
    """Every environment variable we read, in the order of the documents."""
    return [row for name in _GROUPS for row in _rows_of(name)]


def _rows_of(group: str) -> Iterator[Row]:
    for info in _GROUPS[group].model_fields.values():
        default, secret = info.default, isinstance(info.default, SecretStr)
        text = default.get_secret_value() if secret else default
        shown = str(text).lower() if isinstance(text, bool) else str(text)
        yield Row(str(info.alias), shown, info.description or "", group, secret)


def _read[G: Group](group: type[G], environ: Mapping[str, str]) -> G:
    present = {
        str(info.alias): environ[str(info.alias)]
        for info in group.model_fields.values()
        if environ.get(str(info.alias), "").strip()
    }
    try:
        return group.model_validate(present)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = str(fault["loc"][0])
        if name in group.model_fields:  # a default is named by its field
            name = str(group.model_fields[name].alias)
        meaning = next(row.meaning for row in rows() if row.name == name)
        raise SettingsError(f"{name}: {fault['msg']} ({meaning})") from None
