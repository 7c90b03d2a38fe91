"""One picture, five wire formats: how each HuggingFace inference provider is asked and how it answers.

    provider      path under the router             the model is named    the picture comes as
    hf-inference  hf-inference/models/{model}       in the path           raw bytes, or base64 in JSON
    endpoint      the deployment's own URL          nowhere: it has one   raw bytes, or base64 in JSON
    fal-ai        fal-ai/{fal's own model id}       in the path           a link in JSON
    together      together/v1/images/generations    in the body           base64 in JSON
    nscale        nscale/v1/images/generations      in the body           base64 in JSON

Pure functions: no I/O here. What is asked for is no promise about what comes back, so `picture` accepts any
of the forms; only a `Link` is followed for nobody but a provider whose shape says so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memebattle.generation.ports import ContentBlocked, ImageSpec, ProviderUnavailable
from memebattle.settings import HuggingFaceProvider

# distilled models draw a usable picture in two steps, the others need about a dozen
FAST_STEPS_DISTILLED, FAST_STEPS = 2, 12
DISTILLED = ("schnell", "turbo", "lightning", "lcm")

# fal.ai has ids of its own; any other HF_MODEL is passed on as it is, so that one can name fal's id directly
FAL_IDS = {
    "black-forest-labs/FLUX.1-schnell": "fal-ai/flux/schnell",
    "black-forest-labs/FLUX.1-dev": "fal-ai/flux/dev",
}


@dataclass(frozen=True, slots=True)
class Link:
    """The picture is elsewhere."""

    url: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How one provider is asked. `path` is empty for a deployment with a URL of its own."""

    path: str
    accept: str
    body: Callable[[ImageSpec, str], dict[str, Any]]
    model_in_body: bool = False
    follows_links: bool = False


def _hf_inference(spec: ImageSpec, model: str) -> dict[str, Any]:
    width, height = _size(spec)
    return {
        "inputs": spec.prompt,
        "parameters": {"width": width, "height": height, **_parameters(spec, model)},
    }


def _fal(spec: ImageSpec, model: str) -> dict[str, Any]:
    width, height = _size(spec)
    return {
        "prompt": spec.prompt,
        "image_size": {"width": width, "height": height},
        **_parameters(spec, model),
    }


def _together(spec: ImageSpec, model: str) -> dict[str, Any]:
    width, height = _size(spec)
    renamed = {"num_inference_steps": "steps", "guidance_scale": "guidance"}
    return {
        "prompt": spec.prompt,
        "model": model,
        "response_format": "base64",
        "width": width,
        "height": height,
        **{renamed.get(name, name): value for name, value in _parameters(spec, model).items()},
    }


def _nscale(spec: ImageSpec, model: str) -> dict[str, Any]:
    width, height = _size(spec)
    parameters = _parameters(spec, model)
    parameters.pop("num_inference_steps", None)  # nscale refuses it
    return {
        "prompt": spec.prompt,
        "model": model,
        "response_format": "b64_json",
        "size": f"{width}x{height}",
        **parameters,
    }


SHAPES: dict[HuggingFaceProvider, Shape] = {
    "hf-inference": Shape("hf-inference/models/{model}", "image/png", _hf_inference),
    "endpoint": Shape("", "image/png", _hf_inference),
    "fal-ai": Shape("fal-ai/{model}", "application/json", _fal, follows_links=True),
    "together": Shape("together/v1/images/generations", "application/json", _together, model_in_body=True),
    "nscale": Shape("nscale/v1/images/generations", "application/json", _nscale, model_in_body=True),
}


def provider_id(provider: HuggingFaceProvider, model: str) -> str:
    """What the provider calls a model of the Hub."""
    return FAL_IDS.get(model, model) if provider == "fal-ai" else model


def picture(content_type: str, body: bytes) -> bytes | Link:
    """The picture in a successful answer, whatever it is wrapped in. Not yet known to be a picture.

    Raises:
        ContentBlocked: the provider says that it flagged the picture.
        ProviderUnavailable: JSON without a picture.
    """
    if not content_type.startswith("application/json") and body[:1] != b"{":
        return body
    answer = parse_json(body)
    match answer:
        case {"has_nsfw_concepts": list(flags)} if any(flags):
            raise ContentBlocked("the provider flagged the picture as not safe for work")
        case {"data": [{"b64_json": str(text)}, *_]}:
            return _decoded(text)
        case {"images": [{"url": str(url)}, *_]} | {"output": [str(url), *_]} | {"output": str(url)}:
            return _decoded(url.partition(",")[2]) if url.startswith("data:") else Link(url)
        case _:
            raise ProviderUnavailable("the provider answered without a picture")


def parse_json(body: bytes) -> Any:
    """The document, or None. JSON nested a hundred thousand deep is a RecursionError, not a ValueError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except ValueError:
        raise ProviderUnavailable("the provider answered with broken base64") from None


def _size(spec: ImageSpec) -> tuple[int, int]:
    """Diffusion models work on latents of 8 x 8 pixels and refuse other sizes."""
    return max(8, spec.width - spec.width % 8), max(8, spec.height - spec.height % 8)


def _parameters(spec: ImageSpec, model: str) -> dict[str, Any]:
    parameters = spec.parameters()
    if spec.fast:
        distilled = any(word in model.lower() for word in DISTILLED)
        parameters.setdefault("num_inference_steps", FAST_STEPS_DISTILLED if distilled else FAST_STEPS)
    return parameters
