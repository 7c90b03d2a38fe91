"""Ports nobody listens on, for servers that are told where to listen."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from memebattle.cli.children import CannotStart

FIRST, USUAL_FIRST_OUTGOING = 10_000, 32_768


_ours: Ports | None = None


class Ports:
    """Gives out the ports of a range in turn: each once before any comes again.

    Between the moment a port is given out and the moment somebody listens on it, it looks free to everybody
    else, and it does again while its server is down. So one process never gives it out a second time, and
    processes that start servers side by side take theirs from different parts.
    """

    def __init__(self, within: range) -> None:
        self._within = within
        self._at = random.randrange(len(within))  # noqa: S311 - no secret

    def take(self) -> int:
        """The next one that is free.

        Raises:
            CannotStart: there is none.
        """
        for _ in self._within:
            port = self._within[self._at]
            self._at = (self._at + 1) % len(self._within)
            if _is_free(port):
                return port
        raise CannotStart(f"no port from {self._within.start} to {self._within.stop - 1} is free")


def free_port() -> int:
    """A port nobody listens on now, and that we have given to nobody else.

    Raises:
        CannotStart: there is none.
    """
    global _ours  # noqa: PLW0603 - the ports of a process
    if _ours is None:
        within = _all()
        _ours = Ports(within[: len(within) // 2])
    return _ours.take()


def share(number: int, count: int) -> None:
    """Give out one of `count` equal parts of the ports that a process without a share leaves alone."""
    global _ours  # noqa: PLW0603 - likewise
    within = _all()
    left = within[len(within) // 2 :]
    size = len(left) // count
    _ours = Ports(left[number * size : (number + 1) * size])


def port_or_free(wanted: int | None, usual: int) -> int:
    """The wanted port; 0 is any free one; None is the usual one, or a free one when that is taken.

    Raises:
        CannotStart: the wanted port is taken.
    """
    if wanted == 0:
        return free_port()
    if _is_free(wanted or usual):
        return wanted or usual
    if wanted:
        raise CannotStart(f"port {wanted} is taken")
    return free_port()


def _all() -> range:
    """Those below what the system gives to outgoing connections: any of these could be taken at any time."""
    try:
        found = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        found = USUAL_FIRST_OUTGOING
    return range(FIRST, found if found > 2 * FIRST else USUAL_FIRST_OUTGOING)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
