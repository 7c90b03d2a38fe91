"""What image generation needs from the outside, and the few ways it can fail.

    GenerationError                  code, retryable, retry_after
    |-- InvalidPrompt                the provider refuses these parameters          (not retryable)
    |-- ContentBlocked               the picture was flagged                        (not retryable)
    |-- ProviderAuthError            the token is missing, wrong or too narrow      (not retryable)
    |-- ProviderQuotaError           the credits are used up                        (not retryable)
    |-- ModelUnavailable             nobody serves this model (any more)            (not retryable)
    |-- ProviderRateLimited          too many calls; `retry_after` says when        (retryable)
    |-- ProviderUnavailable          loading, overloaded, unreachable, nonsense     (retryable)
    |-- ProviderTimeout              no answer within the time we give it           (retryable)
    `-- StillGenerating              somebody else makes this very picture; come back (no failure at all)

A provider raises nothing else. Whether a request is tried again is decided by the caller, not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

type ErrorCode = Literal[
    "invalid_request",
    "payload_too_large",
    "rate_limited",
    "provider_auth",
    "provider_quota",
    "model_unavailable",
    "provider_unavailable",
    "timeout",
    "nsfw",
    "cancelled",
    "dead_lettered",
    "internal",
]


class GenerationError(Exception):
    """The picture could not be made. `retry_after` is in seconds, None when the provider did not say."""

    code: ErrorCode = "internal"
    retryable: bool = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidPrompt(GenerationError):
    code = "invalid_request"


class ContentBlocked(GenerationError):
    code = "nsfw"


class ProviderAuthError(GenerationError):
    code = "provider_auth"


class ProviderQuotaError(GenerationError):
    code = "provider_quota"


class ModelUnavailable(GenerationError):
    code = "model_unavailable"


class ProviderRateLimited(GenerationError):
    code = "rate_limited"
    retryable = True


class ProviderUnavailable(GenerationError):
    code = "provider_unavailable"
    retryable = True


class ProviderTimeout(GenerationError):
    code = "timeout"
    retryable = True


class StillGenerating(GenerationError):
    code = "provider_unavailable"
    retryable = True


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """What is to be drawn: everything that changes the picture, and nothing else.

    `width` and `height` are pixels. `fast` asks for fewer inference steps. Captions are drawn by us over the
    provider's picture (None, None lets the provider's own manner decide; see `ImageModel.captions_itself`).
    """

    prompt: str
    width: int = 1024
    height: int = 1024
    fast: bool = False
    guidance_scale: float | None = None
    num_inference_steps: int | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    model: str | None = None
    caption_top: str | None = None
    caption_bottom: str | None = None

    def parameters(self) -> dict[str, Any]:
        """The diffusion parameters that were given, by their standard names."""
        return {
            name: value
            for name in ("guidance_scale", "num_inference_steps", "negative_prompt", "seed")
            if (value := getattr(self, name)) is not None
        }


@dataclass(frozen=True, slots=True)
class RawImage:
    """Bytes as a provider sent them: PNG, JPEG or WebP, sniffed and within bounds, not yet decoded."""

    data: bytes
    content_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Meme:
    """A finished picture: captioned, re-encoded, content-addressed."""

    data: bytes
    content_type: str
    width: int
    height: int
    sha256: str
    provider: str
    model: str


class ImageModel(Protocol):
    """Draws pictures. `name` and `model` sign the answer; `style_version` is part of the cache key.

    `captions_itself` is true when the picture comes back with its caption drawn (the offline artist).
    """

    name: str
    model: str
    style_version: str
    captions_itself: bool

    async def generate(self, spec: ImageSpec) -> RawImage:
        """Draw one picture.

        Raises:
            GenerationError: one of the subclasses above.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and threads."""
        ...


class Cache(Protocol):
    """Bytes by key, for a while. Never raises: a broken cache misses."""

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes) -> None: ...


class ImageStore(Protocol):
    """Finished images by SHA-256, for longer than the cache keeps them. Never raises."""

    async def put(self, meme: Meme) -> None: ...

    async def get(self, sha256: str) -> bytes | None: ...


class Flights(Protocol):
    """Single flight over all replicas: who generates a digest, and how the others hear of the end.

    Never raises. With the store out of reach everybody leads: availability before thrift.
    """

    async def join(self, digest: str, token: str) -> str:
        """Say who generates: `lead` is you, `wait` is somebody else, anything else a failure note."""
        ...

    async def renew(self, digest: str, token: str) -> None: ...

    async def land(self, digest: str, token: str, failure: str | None = None) -> None:
        """End the flight and wake the waiters; a failure note is kept for a moment for latecomers."""
        ...

    async def wait(self, digest: str, timeout: float) -> None:
        """Return when the flight may have ended: notified, lease over, or `timeout` seconds passed."""
        ...
