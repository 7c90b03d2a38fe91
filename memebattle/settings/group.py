"""What the groups have in common: frozen, read by the names of their variables, secrets without newlines."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr


def _trimmed(secret: SecretStr) -> SecretStr:
    """Tokens pasted into a Secret often carry a newline; an HTTP header must not."""
    return SecretStr(secret.get_secret_value().strip())


Secret = Annotated[SecretStr, AfterValidator(_trimmed)]


class Group(BaseModel):
    """Values that belong together; each field's alias is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
