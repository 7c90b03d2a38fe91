"""How somebody proves who they are and what they were asked, without an account and without a session."""

from __future__ import annotations

import hashlib
import hmac

from memebattle.battle.state import Battle


def seat_of(code: str, token: str) -> str:
    """The seat that a token opens in this battle. It tells nobody the token."""
    return hashlib.sha256(f"{code}:{token}".encode()).hexdigest()[:16]


def ticket_of(battle: Battle, seat: str, match: str) -> str:
    """Proves that we asked this seat about this pair: who could choose their pairs could help a friend."""
    key, said = battle.salt.encode(), f"{seat}:{match}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:24]
