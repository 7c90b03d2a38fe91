"""Who draws the pictures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from memebattle.settings.group import Group, Secret

DEFAULT_HF_MODEL = "black-forest-labs/FLUX.1-schnell"

type ImageProvider = Literal["auto", "huggingface", "artist"]
type HuggingFaceProvider = Literal["hf-inference", "endpoint", "fal-ai", "together", "nscale"]


class GenerationSettings(Group):
    """Who draws the pictures, and within which bounds."""

    provider: ImageProvider = Field(
        "auto",
        alias="IMAGE_PROVIDER",
        description="`huggingface`, `artist` (offline), or `auto`: HuggingFace when there is a token",
    )
    hf_token: Secret = Field(
        SecretStr(""), alias="HF_API_TOKEN", description="HuggingFace token; required for `huggingface` only"
    )
    hf_url: str = Field(
        "",
        alias="HF_API_URL",
        description="Full inference URL; empty = the HuggingFace router for `HF_PROVIDER` and `HF_MODEL`",
    )
    hf_model: str = Field(DEFAULT_HF_MODEL, alias="HF_MODEL", description="Model on the HuggingFace Hub")
    hf_provider: HuggingFaceProvider = Field(
        "hf-inference", alias="HF_PROVIDER", description="Inference provider whose wire format is spoken"
    )
    hf_bill_to: str = Field("", alias="HF_BILL_TO", description="HuggingFace organisation to bill")
    hf_allowed_hosts: str = Field(
        "router.huggingface.co,*.endpoints.huggingface.cloud,127.0.0.1,localhost",
        alias="HF_ALLOWED_HOSTS",
        description="Hosts `HF_API_URL` may name, comma separated; plain http only on loopback",
    )
    hf_timeout: float = Field(
        60, gt=0, alias="HF_TIMEOUT", description="Seconds one provider call may take in all"
    )
    max_image_bytes: int = Field(
        8 * 1024 * 1024, gt=0, alias="MAX_IMAGE_BYTES", description="Largest provider answer that is read"
    )
    max_image_pixels: int = Field(
        2048 * 2048, gt=0, alias="MAX_IMAGE_PIXELS", description="Largest picture that is decoded"
    )
    local_latency_ms: int = Field(
        0, ge=0, alias="LOCAL_LATENCY_MS", description="Makes the offline artist as slow as a real model"
    )
