"""Ports that are given out once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import chain, pairwise

import pytest

from memebattle.cli import ports
from memebattle.cli.children import CannotStart
from memebattle.cli.ports import Ports, free_port, port_or_free, share


@pytest.fixture
def taken() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(autouse=True)
def _share_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_ours", ports._ours)


def test_no_port_is_given_out_twice_before_all_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_is_free", lambda _port: True)
    given = Ports(range(9_900, 9_910))
    first, second = ([given.take() for _ in range(10)] for _ in range(2))

    assert sorted(first) == list(range(9_900, 9_910))
    assert first == second


def test_those_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_is_free", lambda port: port % 3 == 0)
    given = Ports(range(9_900, 9_910))

    assert {given.take() for _ in range(8)} == {9_900, 9_903, 9_906, 9_909}


def test_when_all_are_taken_it_is_said(taken: int) -> None:
    with pytest.raises(CannotStart, match=f"no port from {taken} to {taken} is free"):
        Ports(range(taken, taken + 1)).take()


def test_shares_have_no_port_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor with a process that has none."""
    monkeypatch.setattr(ports, "_ours", None)
    free_port()
    found = [ports._ours]
    for number in range(3):
        share(number, 3)
        found.append(ports._ours)
    ranges = [each._within for each in found if each is not None]

    assert len(ranges) == 4
    assert all(one.stop <= other.start for one, other in pairwise(ranges))
    assert len(set(chain(*ranges))) > 20_000


def test_a_wanted_port_is_never_another_one(taken: int) -> None:
    with pytest.raises(CannotStart, match=f"port {taken} is taken"):
        port_or_free(taken, usual=1)
    assert port_or_free(None, usual=taken) != taken
    assert port_or_free(0, usual=taken) != taken
