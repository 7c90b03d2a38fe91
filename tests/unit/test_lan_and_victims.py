"""The way in for phones, and who may be killed in a demonstration."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from memebattle.cli.lan import lan_address, qr_code
from memebattle.cli.local import NatsServer
from memebattle.cli.output import Problem
from memebattle.cli.supervisor import Plan, Stack
from memebattle.cli.victims import Victim, victims_of
from tests.waiting import wait_until


class Probe:
    """A socket that finds its way by itself."""

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened."""

    def connect(self, _: object) -> None:
        if not self.address:
            raise OSError("no way")

    def getsockname(self) -> tuple[str, int]:
        return self.address, 9


def test_the_address_is_the_one_that_others_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: Probe("192.168.1.7"))

    assert lan_address() == "192.168.1.7"


@pytest.mark.parametrize("address", ["", "127.0.0.1"])
def test_without_a_network_it_is_said(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: Probe(address))

    with pytest.raises(Problem, match="no address in a local network"):
        lan_address()


def test_a_qr_code_is_drawn_in_half_lines() -> None:
    lines = qr_code("http://192.168.1.7:8000/#/battle/BCDF").splitlines()

    assert len({len(line) for line in lines if line}) <= 2
    assert any("█" in line for line in lines)


@pytest.mark.parametrize(("lan", "host"), [("", "127.0.0.1"), ("192.168.1.7", "0.0.0.0")])
def test_only_with_lan_anybody_else_is_let_in(tmp_path: Path, lan: str, host: str) -> None:
    """NATS itself, its monitoring and the metrics stay on loopback in any case."""
    stack = Stack(Plan(http_port=0, metrics_port=0, lan=lan), tmp_path, lambda _: None)
    stack.nats = NatsServer(tmp_path, websocket_host=stack._host)
    gateway, written = stack._gateway_env(8123), stack.nats.configuration()

    assert gateway["GATEWAY_ADDR"] == f"{host}:8123"
    assert gateway["NATS_WEBSOCKET_URL"] == f"ws://{lan or '127.0.0.1'}:{stack.nats.websocket_port}"
    assert f'listen: "{host}:{stack.nats.websocket_port}"' in written
    assert written.count("0.0.0.0") == bool(lan)
    assert stack.page_url.startswith(f"http://{lan or '127.0.0.1'}:")


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose command line says that it is a worker."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", "memebattle.worker"], stdin=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


async def test_the_last_one_of_a_role_is_killed(worker: subprocess.Popen[bytes]) -> None:
    stack: dict[str, Any] = {"pids": {"nats": 1, "worker-1": worker.pid, "worker-2": worker.pid}}
    # a process that was just started has no command line yet, for a moment
    await wait_until(lambda: Victim("worker", worker.pid).is_alive, "the worker says what it is")
    (victim,) = victims_of(stack, ["worker"])

    assert (victim.name, victim.kill()) == ("worker-2", "worker-2")
    assert worker.wait(10) == -9


def test_a_number_that_went_to_somebody_else_is_not_touched() -> None:
    """This very process is no worker, whatever an old file says."""
    with pytest.raises(Problem, match="no worker to kill"):
        victims_of({"pids": {"worker-1": os.getpid()}}, ["worker"])
    with pytest.raises(Problem, match="no gateway to kill"):
        victims_of({}, ["gateway"])
