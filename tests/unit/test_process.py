"""What a process says about itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from memebattle.kit.process import CpuMeter, memory_mb
from tests.toys import Clock


def test_memory_is_what_is_resident_now() -> None:
    """64 MB more while they are held."""
    before = memory_mb()
    held = b"x" * (64 * 1024 * 1024)
    during = memory_mb()
    del held
    after = memory_mb()

    assert 60 < during - before < 80
    assert during - after > 60


def test_without_proc_memory_is_the_most_there_ever_was(tmp_path: Path) -> None:
    """In the same unit, and it does not shrink."""
    held = b"x" * (64 * 1024 * 1024)
    during = memory_mb()
    del held

    assert during - 1 < memory_mb(tmp_path / "nothing") < 10 * during


@pytest.mark.parametrize(
    ("wall", "cpu", "percent"),
    [(2.0, 0.5, 25.0), (2.0, 0.0, 0.0), (2.0, 3.0, 150.0), (0.0, 0.0, 0.0)],
    ids=["a quarter", "idle", "two threads", "no time has passed"],
)
def test_processor_time_over_wall_time(wall: float, cpu: float, percent: float) -> None:
    clock, cpu_clock = Clock(), Clock(7.0)
    meter = CpuMeter(clock, cpu_clock)
    clock.now += wall
    cpu_clock.now += cpu

    assert meter.percent() == percent


def test_each_call_measures_from_the_one_before() -> None:
    """A busy second is forgotten in the next one."""
    clock, cpu_clock = Clock(), Clock(7.0)
    meter = CpuMeter(clock, cpu_clock)
    measured = []
    for cpu in (1.0, 0.25):
        clock.now += 1
        cpu_clock.now += cpu
        measured.append(meter.percent())

    assert measured == [100.0, 25.0]


def test_by_default_it_measures_this_process() -> None:
    """Work counts."""
    meter = CpuMeter()
    sum(range(1_000_000))

    assert meter.percent() > 0
