"""Who writes: the text models that are configured, and which of them a message may have.

A message names a provider and a model, never an address or a key: what it may name is decided here. As in
`registry.py` the providers are imported only when they are chosen, and everything that can be wrong with the
configuration is said at the start.

    openai, anthropic   configured by their key, or without one by a base URL on loopback
    custom              configured by its URL
    local               there when CHAT_PROVIDER is `auto` or `local`

While none of the first three is configured, `local` answers in the name of all of them, with any model: what
is written for OpenAI runs offline. It signs as itself (`local`, `local-1`). As soon as one of them is
configured, a message that names another one is refused: it would get somebody else's words.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import SecretStr

from memebattle.generation.ports import InvalidPrompt
from memebattle.generation.text import TextModel
from memebattle.generation.throttle import Throttle
from memebattle.settings import Settings, SettingsError, TextProvider, TextSettings

ANY: Final = "*"
REAL: Final[tuple[TextProvider, ...]] = ("openai", "anthropic", "custom")
PROVIDERS: Final[tuple[TextProvider, ...]] = (*REAL, "local")

# a model travels as a JSON string, but also in metrics, logs and sentences
_MODEL = re.compile(r"[A-Za-z0-9@/._:+-]{1,200}")
_HEADER_SAFE = re.compile(r"[!-~]*")
_SHOWN = 60  # characters of a name that is refused

_log = logging.getLogger(__name__)


class TextModels:
    """The configured models by provider.

    Args:
        models: at least one.
        default: who answers a message that names nobody.
        stand_in: `local` answers for everybody, because nobody else is there.
    """

    def __init__(self, models: Mapping[str, TextModel], default: str, *, stand_in: bool = False) -> None:
        self._models = dict(models)
        self._stand_in = stand_in
        self.default = default

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """What may be named: providers and their models, the default first; `*` stands for any."""
        return MappingProxyType({name: model.models for name, model in self._models.items()})

    def choose(self, provider: str | None, model: str | None) -> tuple[TextModel, str]:
        """Who answers, and as which model.

        Raises:
            InvalidPrompt: nobody of that name, or not with that model; the message lists what there is.
        """
        if self._stand_in and (not provider or provider in PROVIDERS):
            chosen = self._models[self.default]
            return chosen, chosen.models[0]
        found = self._models.get(provider or self.default)
        if found is None:
            raise InvalidPrompt(f"`ai_provider` {_shown(provider)} is not configured here; {self._list()}")
        return found, self._model_of(provider or self.default, found, model)

    async def aclose(self) -> None:
        """Give back the connections of all."""
        for model in self._models.values():
            await model.aclose()

    def _model_of(self, provider: str, found: TextModel, model: str | None) -> str:
        if not model:
            # a made-up name would end in a 404 of vLLM, Ollama or the HuggingFace router, which all want one
            first = next((name for name in found.models if name != ANY), None)
            if first is None:
                raise InvalidPrompt(f"{provider} has no default model; name one as `model`")
            return first
        if model in found.models and model != ANY:
            return model
        if ANY in found.models and _MODEL.fullmatch(model):
            return model
        raise InvalidPrompt(f"`model` {_shown(model)} is not to be had from {provider}; {self._list()}")

    def _list(self) -> str:
        offers = (
            f"{name} ({', '.join('any model' if model == ANY else model for model in models)})"
            for name, models in self.names.items()
        )
        return f"there is {', '.join(offers)}"


def open_text_models(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    rng: Callable[[], float] = random.random,
) -> TextModels:
    """Everybody who is configured, ready to write. Give them back with `aclose`.

    Args:
        settings: `text` says who and how; `chat.concurrency` sizes the connection pools.
        clock: monotonic seconds.
        now: unix seconds.
        rng: draws from [0, 1).

    Raises:
        SettingsError: this cannot work; the message says what to do.
    """
    text = settings.text
    _require_sound(text)
    configured: list[TextProvider] = [name for name in REAL if _is_configured(text, name)]
    if text.provider in REAL and text.provider not in configured:
        raise SettingsError(f"CHAT_PROVIDER={text.provider} needs {_WANTS[text.provider]}.")
    models: dict[str, TextModel] = {
        name: _open(name, settings, Throttle(clock=clock, rng=rng), now) for name in configured
    }
    if text.provider in {"auto", "local"}:
        models["local"] = _local(text)
    default: TextProvider = [*configured, "local"][0] if text.provider == "auto" else text.provider
    if models[default].models == (ANY,):
        variable = _VARIABLES[default][2]
        _log.warning(
            "%s names no default, so every message has to name its model; put one in front: %s=llama3.2,*",
            variable,
            variable,
        )
    return TextModels(models, default, stand_in=not configured)


_WANTS: Mapping[str, str] = {
    "openai": "a key in OPENAI_API_KEY (from https://platform.openai.com/api-keys)",
    "anthropic": "a key in ANTHROPIC_API_KEY (from https://console.anthropic.com)",
    "custom": "the API's address in CHAT_CUSTOM_URL, such as http://localhost:11434/v1",
}


def _local(settings: TextSettings) -> TextModel:
    from memebattle.generation.providers.local_text import LocalText  # noqa: PLC0415 - see the docstring

    return LocalText(token_time=settings.local_token_ms / 1000)


def _open(name: TextProvider, settings: Settings, throttle: Throttle, now: Callable[[], float]) -> TextModel:
    from memebattle.generation.providers import anthropic, openai_compatible  # noqa: PLC0415 - see above
    from memebattle.generation.providers.dialect import Account, Bounds, Dialect  # noqa: PLC0415 - likewise
    from memebattle.generation.providers.http_text import HttpText  # noqa: PLC0415 - likewise

    text = settings.text
    dialect: Dialect
    if name == "anthropic":
        provider, dialect = anthropic.ANTHROPIC, anthropic.Messages()
    elif name == "openai":
        provider = openai_compatible.OPENAI
        dialect = openai_compatible.ChatCompletions(provider, "max_completion_tokens")
    else:
        provider = openai_compatible.CUSTOM
        dialect = openai_compatible.ChatCompletions(provider, text.custom_token_field)
    url, key, models = _account(text, name)
    return HttpText(
        name,
        _models(models),
        dialect=dialect,
        account=Account(provider, url, key.get_secret_value()),
        bounds=Bounds(text.timeout, text.idle_timeout, text.max_answer_bytes),
        connections=settings.chat.concurrency,
        throttle=throttle,
        now=now,
    )


def _account(settings: TextSettings, name: TextProvider) -> tuple[str, SecretStr, str]:
    """Address, key and list of models."""
    match name:
        case "openai":
            return settings.openai_url, settings.openai_key, settings.openai_models
        case "anthropic":
            return settings.anthropic_url, settings.anthropic_key, settings.anthropic_models
        case _:
            return settings.custom_url, settings.custom_key, settings.custom_models


def _is_configured(settings: TextSettings, name: TextProvider) -> bool:
    from memebattle.generation.providers.addresses import url_is_loopback  # noqa: PLC0415 - see the docstring

    url, key, _ = _account(settings, name)
    if name == "custom":
        return bool(url)
    return bool(key.get_secret_value()) or url_is_loopback(url)


def _models(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


_VARIABLES: Mapping[TextProvider, tuple[str, str, str]] = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODELS"),
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "ANTHROPIC_MODELS"),
    "custom": ("CHAT_CUSTOM_URL", "CHAT_CUSTOM_KEY", "CHAT_CUSTOM_MODELS"),
}


def _require_sound(settings: TextSettings) -> None:
    """What is set has to be right, whether it is used or not."""
    from memebattle.generation.providers.addresses import base_fault  # noqa: PLC0415 - see the docstring

    for name, (url_variable, key_variable, models_variable) in _VARIABLES.items():
        url, key, models = _account(settings, name)
        if url and (fault := base_fault(url, plain_http=name == "custom")):
            raise SettingsError(f"{url_variable} {fault}.")
        if not _HEADER_SAFE.fullmatch(key.get_secret_value()):
            raise SettingsError(
                f"{key_variable} contains spaces or characters that no key has; copy it again."
            )
        named = _models(models)
        if not named:
            raise SettingsError(f"{models_variable} names no model.")
        for model in named:
            if model != ANY and not _MODEL.fullmatch(model):
                raise SettingsError(f"{models_variable} contains {_shown(model)}, which is no model's name.")


def _shown(name: str | None) -> str:
    return repr((name or "")[:_SHOWN])
