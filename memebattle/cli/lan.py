"""The way in for phones: this machine's address in the local network, and a QR code of it."""

from __future__ import annotations

import io
import socket

from memebattle.cli.output import Problem

SOMEWHERE = ("192.0.2.1", 9)  # an address for documents (RFC 5737); nothing is ever sent to it


def lan_address() -> str:
    """The address that other machines know this one by.

    Raises:
        Problem: it has none.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(SOMEWHERE)  # no packet: the system only chooses the way
            found = str(probe.getsockname()[0])
        except OSError:
            found = ""
    if not found or found.startswith("127."):
        raise Problem(
            "this machine has no address in a local network",
            why="phones could not reach it",
            do="join a network, or leave --lan away",
        )
    return found


def qr_code(text: str) -> str:
    """A QR code in characters of half a line; empty where `segno` is not installed."""
    try:
        import segno
    except ImportError:
        return ""
    drawing = io.StringIO()
    segno.make(text, micro=False).terminal(drawing, border=2, compact=True)
    return drawing.getvalue()
