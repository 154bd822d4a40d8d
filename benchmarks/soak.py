"""What random kills cost a training: ``python -m benchmarks.soak [--kills 50] [--minutes 30] [--quick] [--json FILE]``.

The first part trains the default preset with a shortened budget: once without a disturbance, and once with 50 kills
(``kill -9``) at random moments. A quarter of the kills come before the first step. The second part kills tiny runs
again and again for 30 minutes, with each kind of vector environment. A killed run must end with the bits of the
undisturbed run: policies, best evaluation and history. The exit code is 1 if the bits differ, or if a worker process
still runs after its trainer has ended. Memory and open files are those of the undisturbed trainer in the second half of
its time.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.report import Cell, Table
from benchmarks.trainers import Trainer, checkpoint_seconds, prepare, result, samples_saved, samples_trained
from mimicrl import artifacts
from mimicrl.config import TrainingConfig
from mimicrl.runs import Run

SHARE_BEFORE_FIRST_STEP = 0.25
MOST_KILLS_A_STORM_RUN = 8


@dataclass
class Soak:
    """The result for one kind of vector environment.

    Attributes:
        vec_env: The kind.
        samples: Budget of the run.
        same: Whether the killed runs ended with the bits of the undisturbed one.
        runs: Number of killed runs: more than one if a run ended before its last kill.
        kills: Number of kills.
        early: Number of kills before the first step.
        orphans: Number of kills that a worker process outlived.
        repeated: For each kill after the first step: samples of complete rollouts that were taken again.
        first_step_s: Time from the start of each process to its first step [s].
        train_s: Wall time of the undisturbed training [s].
        checkpoint_s: Time of writing a checkpoint [s].
        checkpoint_share: Share of wall time that checkpoints would take at the default interval.
        memory_mb: Memory of the undisturbed trainer at half time and at its end [MB].
        memory_slope_mb_per_min: Slope of the memory in between [MB/min].
        files: Minimum and maximum number of open file descriptors in between.
    """

    vec_env: str
    samples: int
    same: bool = True
    runs: int = 0
    kills: int = 0
    early: int = 0
    orphans: int = 0
    repeated: list[int] = field(default_factory=list)
    first_step_s: list[float] = field(default_factory=list)
    train_s: float = 0.0
    checkpoint_s: float = 0.0
    checkpoint_share: float = 0.0
    memory_mb: tuple[float, float] = (0.0, 0.0)
    memory_slope_mb_per_min: float = 0.0
    files: tuple[int, int] = (0, 0)


@dataclass
class Storm:
    """The result for tiny runs that were killed again and again.

    Attributes:
        minutes: Duration.
        runs: Number of runs.
        kills: Number of kills.
        orphans: Number of kills that a worker process outlived.
        lost: For each run that did not end with the bits of an undisturbed one: what was wrong.
    """

    minutes: float = 0.0
    runs: int = 0
    kills: int = 0
    orphans: int = 0
    lost: list[str] = field(default_factory=list)


def soak(vec_env: str, kills: int, folder: Path, chance: random.Random, *, tiny: bool) -> Soak:
    """Train a run undisturbed, and again with kills.

    Args:
        vec_env: The kind of vector environment.
        kills: Number of kills.
        folder: The folder for the runs.
        chance: Draws the moments.
        tiny: Train runs of seconds.
    """
    whole = prepare(folder / f"{vec_env}-whole", vec_env, tiny=tiny)
    undisturbed = _finish(whole)
    assert undisturbed.first_step_s is not None
    told = Soak(vec_env, whole.config.training.total_timesteps, first_step_s=[undisturbed.first_step_s])
    told.train_s = artifacts.read_json(whole.outcome_file)["train_seconds"]
    told.checkpoint_s = checkpoint_seconds(whole, folder / f"{vec_env}-checkpoints")
    told.checkpoint_share = told.checkpoint_s / (told.train_s * TrainingConfig().save_freq / told.samples)
    _measure(told, undisturbed.track)
    while told.kills < kills:
        run = prepare(folder / f"{vec_env}-killed-{told.runs}", vec_env, tiny=tiny)
        _kill(run, told, kills, undisturbed.first_step_s, chance)
        _finish(run)
        told.same = told.same and result(run) == result(whole)
        told.runs += 1
    return told


def _kill(run: Run, told: Soak, kills: int, first_step_s: float, chance: random.Random) -> None:
    """Kill a run until the number of kills is reached or the run has ended."""
    while told.kills < kills:
        left = kills - told.kills
        trainer = Trainer(run)
        if chance.random() < SHARE_BEFORE_FIRST_STEP:
            code = trainer.live(chance.uniform(0.0, first_step_s))
        else:
            # On average an equal part of the rest or a little less, so that the run does not end before its last kill.
            rest_s = told.train_s * (1.0 - samples_saved(run) / told.samples)
            code = trainer.live(chance.uniform(0.0, 2.0 * rest_s / (left + 2)), from_first_step=True)
        if code == 0:
            return
        if code is not None:
            raise SystemExit(f"{run.path}: ended by itself with {code}, {trainer.last_words()}")
        told.orphans += trainer.kill()
        told.kills += 1
        if trainer.first_step_s is None:
            told.early += 1
        else:
            told.repeated.append(max(0, samples_trained(run) - samples_saved(run)))
            told.first_step_s.append(trainer.first_step_s)
        print(f"{told.vec_env}: {told.kills} kills, {samples_saved(run):,} samples", file=sys.stderr, flush=True)


def storm(minutes: float, folder: Path, chance: random.Random) -> Storm:
    """Kill tiny runs again and again.

    Args:
        minutes: Duration.
        folder: The folder for the runs.
        chance: Draws the moments.
    """
    told, begin, whole = Storm(), time.monotonic(), {}
    while time.monotonic() - begin < 60.0 * minutes:
        kind = ("batched", "dummy", "subproc")[told.runs % 3]
        if kind not in whole:
            undisturbed = prepare(folder / f"{kind}-storm", kind, tiny=True)
            started = time.monotonic()
            _finish(undisturbed)
            whole[kind] = result(undisturbed), time.monotonic() - started
        expected, lasts_s = whole[kind]
        run = prepare(folder / "storm", kind, tiny=True)
        wrong = _strike(run, lasts_s, told, chance) or ("" if result(run) == expected else "other bits")
        if wrong:
            told.lost.append(f"{kind}: {wrong}")
        told.runs += 1
        shutil.rmtree(run.path)
        print(f"storm: {told}", file=sys.stderr, flush=True)
    told.minutes = (time.monotonic() - begin) / 60.0
    return told


def _strike(run: Run, lasts_s: float, told: Storm, chance: random.Random) -> str:
    """Kill a tiny run a few times, then let it end. Return what was wrong with a trainer that failed by itself."""
    for _ in range(chance.randint(1, MOST_KILLS_A_STORM_RUN)):
        trainer = Trainer(run)
        code = trainer.live(chance.uniform(0.0, lasts_s))
        if code:
            return f"exit code {code}, {trainer.last_words()}"
        if code == 0:
            break
        told.orphans += trainer.kill()
        told.kills += 1
    last = Trainer(run)  # also of a run that had finished: it must not change
    code = last.live()
    return f"exit code {code}, {last.last_words()}" if code else ""


def failed(soaks: list[Soak], storms: Storm) -> bool:
    """Return whether any result is one that must not happen."""
    return not all(told.same and not told.orphans for told in soaks) or storms.orphans > 0 or bool(storms.lost)


def tables(soaks: list[Soak], storms: Storm) -> list[Table]:
    """Return the results as tables: one row per kind of vector environment, and one row for the tiny runs."""
    rows: list[dict[str, Cell]] = [
        {
            "vector environment": told.vec_env,
            "samples": told.samples,
            "kills": told.kills,
            "kills before the first step": told.early,
            "runs": told.runs,
            "same bits": "yes" if told.same else "**no**",
            "orphaned workers": told.orphans,
            "repeated samples per kill, mean and maximum": _mean_and_maximum(told.repeated, ",.0f"),
            "start to first step, mean and maximum [s]": _mean_and_maximum(told.first_step_s, ".1f"),
            "writing a checkpoint [s]": f"{told.checkpoint_s:.3f}",
            "share of wall time, at a checkpoint every 100,000 samples": f"{told.checkpoint_share:.2%}",
            "undisturbed training [s]": round(told.train_s),
            "memory at half time and at the end [MB]": "{:.0f}, {:.0f}".format(*told.memory_mb),
            "slope of memory [MB/min]": f"{told.memory_slope_mb_per_min:+.2f}",
            "open files, minimum and maximum": "{}, {}".format(*told.files),
        }
        for told in soaks
    ]
    storm_row: dict[str, Cell] = {
        "minutes": storms.minutes,
        "runs": storms.runs,
        "kills": storms.kills,
        "orphaned workers": storms.orphans,
        "lost runs": "; ".join(storms.lost) or "none",
    }
    return [Table("Trainings killed at random moments", rows), Table("Tiny runs killed again and again", [storm_row])]


def _mean_and_maximum(values: Sequence[float], form: str) -> str:
    return f"{statistics.mean(values):{form}}, {max(values):{form}}" if values else "–"


def _finish(run: Run) -> Trainer:
    """Train a run to its end without a kill."""
    trainer = Trainer(run)
    if trainer.live() != 0:
        raise SystemExit(f"{run.path}: {trainer.last_words()}")
    return trainer


def _measure(told: Soak, track: list[tuple[float, float, int]]) -> None:
    """Store memory and open files of the second half of a training. In the first half both grow."""
    seconds, memory, files = np.array(track[len(track) // 2 :]).T
    told.memory_mb = (round(float(memory[0]), 1), round(float(memory[-1]), 1))
    if len(seconds) > 1:
        told.memory_slope_mb_per_min = round(60.0 * float(np.polyfit(seconds, memory, 1)[0]), 3)
    told.files = (int(files.min()), int(files.max()))


def main() -> None:
    """Run the soak and print its tables."""
    parser = report.parser(__doc__, "a tiny run instead of the default preset")
    parser.add_argument("--kills", type=int, default=50, help="number of kills of each training (default: 50)")
    parser.add_argument("--minutes", type=float, default=30.0, help="minutes of tiny runs (default: 30)")
    parser.add_argument("--seed", type=int, default=1, help="random seed of the moments")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    soaks: list[Soak] = []
    storms = Storm()

    def measure() -> Iterator[Table]:
        nonlocal storms
        with tempfile.TemporaryDirectory() as name:
            for vec_env in ("batched", "subproc"):
                soaks.append(soak(vec_env, arguments.kills, Path(name), chance, tiny=arguments.quick))
            storms = storm(arguments.minutes, Path(name), chance)
        yield from tables(soaks, storms)

    report.publish(measure(), arguments)
    sys.exit(1 if failed(soaks, storms) else 0)


if __name__ == "__main__":
    main()
