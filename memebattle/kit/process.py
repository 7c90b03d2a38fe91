"""What this process takes of its machine: memory and processor time, without a dependency."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

STATM = Path("/proc/self/statm")  # sizes in pages; the second is what is resident
MB = 1024 * 1024


def memory_mb(statm: Path = STATM) -> float:
    """Resident memory in MB (1,048,576 bytes): now where there is a /proc, else the most there ever was."""
    try:
        pages = int(statm.read_bytes().split()[1])
    except FileNotFoundError:
        unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes everywhere else
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB
    return pages * os.sysconf("SC_PAGESIZE") / MB


class CpuMeter:
    """Processor time over wall time. All threads count, so that several cores make more than 100 %."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._clock, self._cpu_clock = clock, cpu_clock
        self._last = clock(), cpu_clock()

    def percent(self) -> float:
        """Since the last call, the first time since the meter was made; 0 when no time has passed."""
        then, cpu_then = self._last
        now, cpu_now = self._last = self._clock(), self._cpu_clock()
        return 100 * (cpu_now - cpu_then) / (now - then) if now > then else 0.0
