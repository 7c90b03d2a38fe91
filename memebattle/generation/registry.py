"""Who draws: the configured image model, opened.

The providers are imported here and only when chosen: a worker that draws offline never loads an HTTP client,
and one that calls HuggingFace never loads a font. Everything that can be wrong with the configuration is said
here, at the start, and not by the first request.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

from memebattle.generation.ports import ImageModel
from memebattle.generation.throttle import Throttle
from memebattle.settings import GenerationSettings, Settings, SettingsError

# what an HTTP header can carry; anything else would fail in the client, with the token in the error's text
_HEADER_SAFE = re.compile(r"[!-~]*")
_MODEL_PATH = re.compile(r"[A-Za-z0-9][\w.-]*(/(?!\.{1,2}(/|$))[\w.-]+)+", re.ASCII)


def open_image_model(
    settings: Settings,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
    rng: Callable[[], float] = random.random,
) -> ImageModel:
    """The provider that `IMAGE_PROVIDER` names, ready to draw. Give it back with `aclose`.

    Args:
        settings: `generation` says which one and how; `delivery.concurrency` sizes its connection pool.
        clock: monotonic seconds.
        now: unix seconds.
        rng: draws from [0, 1).

    Raises:
        SettingsError: the provider cannot work with these settings; the message says what to do.
    """
    if settings.image_provider == "artist":
        return _artist(settings.generation)
    return _huggingface(settings, Throttle(clock=clock, rng=rng), now)


def _artist(settings: GenerationSettings) -> ImageModel:
    from memebattle.generation.providers.artist import Artist  # noqa: PLC0415 - see the module's docstring

    return Artist(latency=settings.local_latency_ms / 1000)


def _huggingface(settings: Settings, throttle: Throttle, now: Callable[[], float]) -> ImageModel:
    from memebattle.generation.providers.addresses import api_url, url_is_loopback  # noqa: PLC0415 - likewise
    from memebattle.generation.providers.huggingface import HuggingFace  # noqa: PLC0415 - likewise

    generation = settings.generation
    url = api_url(generation)
    _require_sound(generation)
    if generation.hf_provider == "endpoint" and url is None:
        raise SettingsError("HF_PROVIDER=endpoint needs the deployment's address in HF_API_URL.")
    token = generation.hf_token.get_secret_value()
    if not token and not (url and url_is_loopback(url)):
        raise SettingsError(
            "HF_API_TOKEN is empty, and HuggingFace answers nobody without a token. Set one (from "
            "https://huggingface.co/settings/tokens, with 'Make calls to Inference Providers'), "
            "or set IMAGE_PROVIDER=artist to draw offline."
        )
    return HuggingFace(
        generation.hf_model,
        token=token,
        provider=generation.hf_provider,
        url=url,
        bill_to=generation.hf_bill_to,
        timeout=generation.hf_timeout,
        max_bytes=generation.max_image_bytes,
        max_pixels=generation.max_image_pixels,
        connections=settings.delivery.concurrency,
        throttle=throttle,
        now=now,
    )


def _require_sound(settings: GenerationSettings) -> None:
    """What goes into a URL or a header has to fit there."""
    if not _HEADER_SAFE.fullmatch(settings.hf_token.get_secret_value()):
        raise SettingsError("HF_API_TOKEN contains spaces or characters that no token has; copy it again.")
    if not _HEADER_SAFE.fullmatch(settings.hf_bill_to):
        raise SettingsError("HF_BILL_TO takes the short name of an organisation, without spaces.")
    if not _MODEL_PATH.fullmatch(settings.hf_model):
        raise SettingsError(f"HF_MODEL is {settings.hf_model!r}; it takes owner/name as on the Hub.")
