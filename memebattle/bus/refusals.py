"""Why a message is not even taken."""

from __future__ import annotations


class IdConflict(Exception):
    """The id names another request."""


class Unavailable(Exception):
    """NATS is out of reach; the same request may be accepted in a moment."""


class QueueFull(Exception):
    """The stream refuses more work: nothing is dropped silently, so the flood has to wait outside."""


class NotPublished(Exception):
    """A Core message did not leave this process."""
