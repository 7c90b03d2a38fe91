"""The base of everything we put on the wire: frozen, tolerant of unknown fields, strict about the rest.

Handlers receive the raw bytes and the model parses them itself (`parse_json`): pydantic's JSON parser bounds
the nesting depth and the size of numbers, where the standard library's recurses until the process aborts.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Self

import pydantic_core
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, StringConstraints, model_validator

# one token of a NATS subject: a dot or a space in an id would change what `*` matches
TOKEN_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"  # noqa: S105 - a subject token, no secret
Token = Annotated[str, StringConstraints(pattern=TOKEN_PATTERN)]


def decode(data: Any) -> Any:
    """A raw body as data; anything else as it is."""
    if isinstance(data, bytes | bytearray):
        return pydantic_core.from_json(data, allow_inf_nan=False)
    return data


class WireModel(BaseModel):
    """A message. Unknown fields are ignored and counted in `unknown_fields`."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
    _unknown_fields: int = PrivateAttr(default=0)

    @model_validator(mode="before")
    @classmethod
    def parse_json(cls, data: Any) -> Any:
        """Accept the raw message body as well as decoded data."""
        return decode(data)

    @classmethod
    def read(cls, body: bytes) -> Self:
        """Parse a message body.

        Raises:
            pydantic.ValidationError: not JSON, or not this message.
        """
        return cls.model_validate(body)

    def body(self) -> bytes:
        """The message as UTF-8 JSON; absent optional fields are left out."""
        return self.model_dump_json(exclude_none=True).encode()


class Stamped(WireModel):
    """A message that says when it was made, in both notations our clients read."""

    timestamp: int = Field(
        default_factory=lambda: int(time.time()), description="Unix seconds", examples=[1795212000]
    )
    created_at: datetime = Field(
        default_factory=lambda: datetime.now(UTC), description="ISO 8601", examples=["2026-11-20T22:00:00Z"]
    )
