"""The wire language of memes: what is asked, what is answered, what is told on the way.

The first four fields of `MemeResponse` and the fields `error`, `request_id`, `timestamp` of `MemeError` are
what existing clients of the original system read. They never change.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ModelWrapValidatorHandler, model_validator

from memebattle.bus.messages import Stamped, Token, WireModel, decode
from memebattle.generation.ports import ErrorCode, ImageSpec
from memebattle.kit.text import composed

MAX_PROMPT = 500
LARGE, SMALL = 1024, 512


def _clean(text: str) -> str:
    """NFC, without control characters (they reach terminals, logs and captions), trimmed."""
    return "".join(" " if ch in "\n\t\r" else ch for ch in composed(text) if _is_visible(ch)).strip()


def _is_visible(ch: str) -> bool:
    return ch in "\n\t\r" or unicodedata.category(ch) not in {"Cc", "Cs"}


def cleaned(value: Any) -> Any:
    """What people wrote, fit to be shown; anything but text as it is."""
    return _clean(value) if isinstance(value, str) else value


Caption = Annotated[str, AfterValidator(_clean), Field(max_length=200)]
Model = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$", max_length=120)]


class MemeRequest(WireModel):
    """Please make a meme of this prompt."""

    id: Token | None = Field(
        None,
        description="Names the request and its answer; the same id twice gives one answer. Missing: the"
        " `Nats-Msg-Id` header stands in, else JetStream gives it one",
        examples=["cat-on-mars-1"],
    )
    prompt: Annotated[str, BeforeValidator(cleaned)] = Field(
        min_length=1,
        max_length=MAX_PROMPT,
        description="What the meme is about; `top | bottom` sets both captions",
        examples=["A cat wearing a space helmet on Mars"],
    )
    fast_mode: bool = Field(default=False, description="Fewer inference steps")
    small_image: bool = Field(default=False, description="512 instead of 1024 pixels wide and high")
    guidance_scale: float | None = Field(None, ge=0, le=50, description="How closely to follow the prompt")
    num_inference_steps: int | None = Field(None, ge=1, le=150, description="Diffusion steps")
    negative_prompt: str | None = Field(None, max_length=MAX_PROMPT, description="What should not be seen")
    seed: int | None = Field(None, ge=0, le=2**63 - 1, description="Same seed, same picture")
    model: Model | None = Field(None, description="Another model of the same provider, `owner/name`")
    caption_top: Caption | None = Field(None, description="Text above; drawn by us, not by the model")
    caption_bottom: Caption | None = Field(None, description="Text below")
    client_id: Token | None = Field(None, description="Who asks; for logs")

    @model_validator(mode="wrap")
    @classmethod
    def _count_unknown_fields(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        decoded = decode(data)
        request = handler(decoded)
        if isinstance(decoded, dict):
            request._unknown_fields = len(decoded.keys() - cls.model_fields.keys())  # noqa: SLF001
        return request

    @property
    def unknown_fields(self) -> int:
        """How many fields of the message we did not know."""
        return self._unknown_fields

    def spec(self) -> ImageSpec:
        """What is to be drawn."""
        side = SMALL if self.small_image else LARGE
        return ImageSpec(
            prompt=self.prompt,
            width=side,
            height=side,
            fast=self.fast_mode,
            guidance_scale=self.guidance_scale,
            num_inference_steps=self.num_inference_steps,
            negative_prompt=self.negative_prompt,
            seed=self.seed,
            model=self.model,
            caption_top=self.caption_top,
            caption_bottom=self.caption_bottom,
        )

    @property
    def digest(self) -> str:
        """Names what is asked, without who asks and under which id: a reused id is told apart by it."""
        asked = json.dumps(asdict(self.spec()), sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()[:32]


class MemeCreated(Stamped):
    """A meme is there: everything about it but its bytes."""

    request_id: str = Field(description="The id of the request", examples=["cat-on-mars-1"])
    prompt: str = Field(
        description="The prompt that was drawn", examples=["A cat wearing a space helmet on Mars"]
    )
    content_type: str = Field(description="Media type of the image", examples=["image/webp"])
    width: int = Field(description="Pixels", examples=[1024])
    height: int = Field(description="Pixels", examples=[1024])
    sha256: str = Field(description="SHA-256 of the image bytes, hexadecimal")
    image_url: str = Field(
        description="Path on the gateway, `/images/{sha256}.webp`; the picture behind it never changes",
    )
    cached: bool = Field(description="It had been made before this request")
    coalesced: bool = Field(description="An identical request was in work; this one shares its picture")
    provider: str = Field(description="Who drew it", examples=["artist", "huggingface"])
    model: str = Field(description="The provider's model", examples=["black-forest-labs/FLUX.1-schnell"])
    duration_ms: int = Field(
        description="Milliseconds from taking the request to the finished picture", examples=[812]
    )


class MemeResponse(MemeCreated):
    """The answer with the picture. One of this and `MemeError` ends every request, exactly once."""

    image_data: str = Field(description="The image, base64")

    def without_image(self) -> MemeCreated:
        """The small event for galleries."""
        return MemeCreated.model_construct(**self.model_dump(exclude={"image_data"}))


class MemeError(Stamped):
    """The answer when there is no picture."""

    request_id: str = Field(description="The id of the request", examples=["cat-on-mars-1"])
    error: str = Field(description="What happened, in words", examples=["the provider took longer than 60 s"])
    code: ErrorCode = Field(description="What happened, for programs")
    retryable: bool = Field(description="Whether the same request may succeed later, under a new id")


class MemeStatus(Stamped):
    """Where a request stands. Best effort: the answer is what counts."""

    request_id: str = Field(description="The id of the request", examples=["cat-on-mars-1"])
    state: Literal["queued", "running", "done", "failed", "cancelled"] = Field(
        description="The last three are final"
    )
    worker: str = Field(description="Which worker says so")
    position: int | None = Field(None, description="About how many requests wait, this one included")


type WorkerState = Literal["new", "idle", "busy", "leaving"]


class Counters(WireModel):
    """What happened to requests for memes. It only ever grows."""

    answered: int = Field(0, description="Requests answered, with a picture or without")
    errors: int = Field(0, description="Tries that failed")
    cache_hits: int = Field(0, description="Pictures that had been made before")
    cache_misses: int = Field(0, description="Pictures that had not")
    duplicates: int = Field(0, description="Copies of requests that nobody had to work on")
    coalesced: int = Field(0, description="Requests that shared the picture of an identical one in work")
    provider_calls: int = Field(0, description="Times a provider was asked to draw")


class WorkerHeartbeat(WireModel):
    """A worker lives; every second, and at once when it comes and when it begins to leave."""

    worker_id: Token = Field(description="Its name, usually that of its host", examples=["worker-1"])
    contexts: list[str] = Field(description="What it serves", examples=[["memes", "chat"]])
    state: WorkerState = Field(description="`new` for its first three seconds, `leaving` once it stops")
    in_work: int = Field(description="What it works on now, in all its contexts")
    slots: int = Field(description="Memes it may work on at one time; who draws none, of what it does serve")
    started_at: float = Field(description="Unix seconds; tells it apart from an earlier one of its name")
    counters: Counters = Field(description="Since it was started")
    latencies_ms: list[float] = Field(
        default_factory=list,
        max_length=100,
        description="From taking a request to its stored answer, of those answered since the last heartbeat",
    )
    battles: list[str] = Field(
        default_factory=list, max_length=100, description="Battles that go on and are known to it"
    )


class WorkerVitals(WireModel):
    """One worker in the engine room."""

    worker_id: str = Field(description="Its name, usually that of its host", examples=["worker-1"])
    state: WorkerState = Field(description="`new` for its first seconds, `leaving` from when it is stopped")
    in_work: int = Field(description="Memes it has in work; of who draws none, what else it has")
    slots: int = Field(description="How many it takes at one time")
    age_s: float = Field(description="Seconds since it was started")


class MemeStats(WireModel):
    """How the platform is."""

    gateway: str = Field(description="Which gateway says so", examples=["gateway-1"])
    at: int = Field(description="Milliseconds since 1970, by the clock of that gateway")
    lag: int | None = Field(description="Requests that wait or are in work; null while nobody can say")
    wish: int | None = Field(
        description="How many workers KEDA would have now: lag / lag_threshold, rounded up, at most"
        " max_replicas; null while the lag is unknown"
    )
    lag_threshold: int = Field(description="Requests that one more worker is worth")
    max_replicas: int = Field(description="More workers there will not be")
    workers: list[WorkerVitals] = Field(description="Those that were heard in the last seconds")
    totals: Counters = Field(description="Of all workers there ever were while a gateway listened")
    per_second: float = Field(description="Requests answered, over the last five seconds")
    p50_ms: float | None = Field(description="From taking a request to its answer, over half a minute")
    p95_ms: float | None = Field(description="The same, of the slowest one in twenty")
    battles: int = Field(description="Battles that go on")
    redis_up: bool = Field(description="Whether Redis answers that gateway in time")

    def body(self) -> bytes:
        """With nulls: what is not known is said to be so."""
        return self.model_dump_json().encode()
