"""How the benchmarks measure: programs run alternately, ratios are paired, processor time is that of all processes.

The speed of a machine drifts, and other programs start and stop. So the compared programs take short turns,
A B C A B C …. Each ratio is computed within one round. The result is the median of these ratios, with their range.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.report import Spread
from mimicrl.config import RunConfig
from mimicrl.runs import Run

Work = Callable[[], float]
"""A function that works for a while and returns how many units of work it did."""
Clock = Literal["wall", "cpu"]


@dataclass(frozen=True)
class Slice:
    """One turn of a contender.

    Attributes:
        units: Units of work done.
        wall_s: Wall time [s].
        cpu_s: Processor time of all processes [s].
    """

    units: float
    wall_s: float
    cpu_s: float

    def cost(self, clock: Clock) -> float:
        """Return the seconds per unit."""
        return (self.wall_s if clock == "wall" else self.cpu_s) / self.units


@dataclass
class Took:
    """What a block of `stopwatch` took.

    Attributes:
        wall_s: Wall time [s].
        cpu_s: Processor time of all processes [s].
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0


def descendants(process: int) -> list[int]:
    """Return the ids of a process's children, their children, and so on."""
    found = []
    for file in Path("/proc", str(process), "task").glob("*/children"):
        for child in map(int, file.read_text().split()):
            found += [child, *descendants(child)]
    return found


def descendants_clocks() -> list[int]:
    """Return the clocks of the processor time of this process's descendants, for `time.clock_gettime`.

    These clocks of Linux count nanoseconds; ``/proc/PID/stat`` has hundredths of a second only.
    """
    clocks = []
    for process in descendants(os.getpid()):
        clock = ctypes.c_int()
        error = ctypes.CDLL(None).clock_getcpuclockid(process, ctypes.byref(clock))
        if error:
            raise OSError(error, os.strerror(error), f"process {process}")
        clocks.append(clock.value)
    return clocks


def cpu_seconds(clocks: Iterable[int]) -> float:
    """Return the processor time [s] of this process, of its ended children, and of the clocks of other processes."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(time.clock_gettime, clocks))


def lasting(seconds: float, step: Callable[[], object], units: float = 1.0) -> Work:
    """Return work that repeats a step until the time is over, at least once. A step is `units` units."""

    def work() -> float:
        end, count = time.perf_counter() + seconds, 0
        while not count or time.perf_counter() < end:
            step()
            count += 1
        return units * count

    return work


@contextmanager
def stopwatch(clocks: Iterable[int] | None = None) -> Iterator[Took]:
    """Measure what the block takes.

    Args:
        clocks: Clocks of the other processes that work for the block, by default of all present descendants. These
            processes must outlive the block. Processes that begin and end within it count if they are waited for.
    """
    clocks = descendants_clocks() if clocks is None else clocks
    took = Took()
    cpu_s, wall_s = cpu_seconds(clocks), time.perf_counter()
    yield took
    took.wall_s = time.perf_counter() - wall_s
    took.cpu_s = cpu_seconds(clocks) - cpu_s


def alternate(contenders: Mapping[str, Work], rounds: int, warm_up: int = 1) -> dict[str, list[Slice]]:
    """Let contenders take turns.

    Args:
        contenders: Their work by name. A process that works for them lives through all turns, or within one turn.
        rounds: Number of turns of each contender.
        warm_up: Number of earlier rounds, which do not count.
    """
    slices: dict[str, list[Slice]] = {name: [] for name in contenders}
    clocks = descendants_clocks()
    for _ in range(warm_up + rounds):
        for name, work in contenders.items():
            with stopwatch(clocks) as took:
                units = work()
            slices[name].append(Slice(units, took.wall_s, took.cpu_s))
    return {name: mine[warm_up:] for name, mine in slices.items()}


def rate(slices: list[Slice]) -> Spread:
    """Return units per second of wall time."""
    return Spread.of(1.0 / each.cost("wall") for each in slices)


def cost(slices: list[Slice], clock: Clock, scale: float = 1.0) -> Spread:
    """Return seconds per unit, times `scale`: with 1e6, microseconds per unit."""
    return Spread.of(scale * each.cost(clock) for each in slices)


def times(slices: list[Slice], other: list[Slice], clock: Clock) -> Spread:
    """Return how much more work a contender does in the same time than another: the ratio within each round."""
    return Spread.of(b.cost(clock) / a.cost(clock) for a, b in zip(slices, other, strict=True))


def excess(slices: list[Slice], other: list[Slice], clock: Clock, scale: float = 1.0) -> Spread:
    """Return how much longer a contender takes per unit than another: the difference within each round, see `cost`."""
    return Spread.of(scale * (a.cost(clock) - b.cost(clock)) for a, b in zip(slices, other, strict=True))


def prepare(path: Path, **sections: Any) -> Run:
    """Make the directory of a run of the default preset.

    Args:
        path: The directory.
        **sections: Values that differ from the default, such as ``training={"n_envs": 8}``.
    """
    from mimicrl import api

    about = {"study": "benchmark", "experiment": path.name, "seed": 1}
    return api.prepare(RunConfig.model_validate_json(json.dumps(about | sections)), path, base=path.parent)


def call(*command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output.

    Args:
        command: The command.
        cwd: Working directory.
        environment: Variables that differ from this process's.

    Raises:
        SystemExit: The command failed; the message has its output.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}")
    return done.stdout
