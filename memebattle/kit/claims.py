"""The vocabulary of claims: who works on which request.

It lies below both the protocol that uses it (`bus/idempotency.py`) and the store that keeps it
(`store/claims.py`), which are blind to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Won:
    """The request is ours; `attempt` counts its tries, crashed ones included. It may have been cancelled."""

    token: str
    attempt: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """Somebody works on it; the lease has `lease_left` seconds to go."""

    lease_left: float


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """It was answered; `digest` is what was asked then."""

    digest: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The store is out of reach."""


type Claim = Won | Taken | AlreadyDone | Unknown


class Claims(Protocol):
    """Who works on which request. Never raises: out of reach is an answer too."""

    async def claim(self, request_id: str, lease: float) -> Claim: ...

    async def renew(self, request_id: str, token: str, lease: float) -> None: ...

    async def release(self, request_id: str, token: str, *, refund: bool) -> None:
        """Give the claim back; `refund` takes back the counted try (waiting is not trying)."""
        ...

    async def done(self, request_id: str, digest: str) -> None: ...

    async def cancel(self, request_id: str) -> None:
        """Mark a request nobody works on; whoever claims it hears of it."""
        ...
