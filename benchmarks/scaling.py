"""How trainings fill a machine: ``python -m benchmarks.scaling [--quick] [--json FILE]``.

The first table runs 1, 2, 4, … trainings of the default preset side by side, up to the number of cores. Each
training is a separate process `mimicrl train --cores 1`, as in the workflow. The second table steps
one batch of 4,096 environments with 1, 2, 4, … threads, at 200 Hz and with the walker's own physics rate.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import paired, report
from benchmarks.report import Spread, Table
from benchmarks.stepping import Bench, stepping
from mimicrl import artifacts
from mimicrl.machine import usable_cores
from mimicrl.runs import Run

SAMPLES = 102_400
ENVIRONMENTS = 4096


def powers(cores: int) -> list[int]:
    """Return 1, 2, 4, … and the number of cores itself."""
    return [*(2**k for k in range((cores - 1).bit_length())), cores]


def side_by_side(folder: Path, count: int, samples: int) -> list[float]:
    """Train several runs at once. Return the samples per second of each, without evaluations and start."""
    runs = [
        paired.prepare(
            folder / f"{count}-{index}",
            training={"total_timesteps": samples},
            evaluation={"eval_freq": 10 * samples},
        )
        for index in range(count)
    ]
    command = [sys.executable, "-m", "mimicrl", "train", "--cores", "1"]
    with contextlib.ExitStack() as opened:
        words = [opened.enter_context(tempfile.TemporaryFile("w+")) for _ in runs]
        pairs = zip(runs, words, strict=True)
        trainers = [subprocess.Popen([*command, str(run.path)], stderr=said) for run, said in pairs]
        codes = [trainer.wait() for trainer in trainers]  # wait for all before one is reported
        for code, said in zip(codes, words, strict=True):
            if code:
                said.seek(0)
                raise SystemExit(said.read())
    return [_rate(run) for run in runs]


def _rate(run: Run) -> float:
    outcome = artifacts.read_json(run.outcome_file)
    return outcome["samples"] / outcome["train_seconds"]


def trainings(folder: Path, counts: list[int], samples: int) -> Table:
    """Return the first table."""
    rows, alone = [], 0.0
    for count in counts:
        rates = side_by_side(folder, count, samples)
        alone = alone or rates[0]
        rows.append(
            {
                "trainings": count,
                "samples/s in total": sum(rates),
                "samples/s of each": Spread.of(rates),
                "times one training": sum(rates) / alone,
            }
        )
    return Table("Trainings of the default preset side by side, one core each", rows)


def threads(folder: Path, counts: list[int], environments: int, rounds: int) -> Table:
    """Return the second table."""
    bench = Bench(folder, 200)
    actions = bench.actions(8, environments)
    contenders = {
        str(count): paired.lasting(0.5, stepping(bench.stack("batched", environments, count), actions), environments)
        for count in counts
    }
    slices = paired.alternate(contenders, rounds)
    rows = [
        {
            "threads": int(name),
            "steps/s": paired.rate(mine),
            "times one thread": paired.times(mine, slices["1"], "wall"),
        }
        for name, mine in slices.items()
    ]
    return Table(f"Steps of one batch of {environments:,} environments at 200 Hz", rows)


def tables(*, quick: bool) -> Iterator[Table]:
    """Yield the benchmark's tables."""
    counts = powers(min(usable_cores(), 2) if quick else usable_cores())
    with tempfile.TemporaryDirectory() as name:
        yield trainings(Path(name), counts, SAMPLES // 25 if quick else SAMPLES)
        yield threads(Path(name), counts, 64 if quick else ENVIRONMENTS, 1 if quick else 3)


def main() -> None:
    """Run the benchmark."""
    arguments = report.parser(__doc__, "at most two at once, short trainings, few environments").parse_args()
    report.publish(tables(quick=arguments.quick), arguments)


if __name__ == "__main__":
    main()
