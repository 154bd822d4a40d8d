"""Start-up, memory, and the overhead of Snakemake: ``python -m benchmarks.pipeline [--quick] [--json FILE]``.

*Starts* times Python alone, ``import mimicrl``, ``mimicrl --help``, and ``mimicrl train`` with the default preset up to
its first step. *Memory* is the peak memory of a short training of the default preset with two evaluations. The process
reads its own peak (``VmHWM``) when it ends. *Snakemake* makes a study of tiny runs in two ways, alternately: with
Snakemake, and with the same commands one after another in a shell. The difference, divided by the number of jobs, is
what Snakemake adds to a job. The difference includes the start of Snakemake. A dry run measures this start alone. The
times in ``provenance/`` are not exact enough for this: they are whole seconds, and they begin after Python has started.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import paired, report, trainers
from benchmarks.paired import Work
from benchmarks.report import Spread, Table
from mimicrl import artifacts

ROOT = Path(__file__).resolve().parent.parent
# Snakemake sets this variable for a job of one core. `mimicrl` is found beside this Python.
AS_A_JOB = {"OMP_NUM_THREADS": "1", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
# Runs `mimicrl`, and at its end writes the status that the system has of the process.
_REMEMBERING = """
import atexit, pathlib, sys
from mimicrl import cli
file = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: file.write_text(pathlib.Path("/proc/self/status").read_text()))
cli.main()
"""


@dataclass(frozen=True)
class Settings:
    """The size of the measurement.

    Attributes:
        starts: Number of starts of each kind.
        first_steps: Number of trainings that are started.
        samples: Samples of the training whose memory is measured. It has two evaluations.
        studies: How often the study of tiny runs is made in each way.
        seeds: Number of its runs.
        until: Snakemake's options for the part of the study that is made.
    """

    starts: int = 9
    first_steps: int = 5
    samples: int = 40_960
    studies: int = 3
    seeds: int = 2
    until: tuple[str, ...] = ()


QUICK = Settings(starts=2, first_steps=1, samples=2048, studies=1, seeds=3, until=("--until", "init"))


def starts(settings: Settings, folder: Path) -> Table:
    """Return the table of starts."""
    python = [sys.executable]
    commands = {
        "Python alone": [*python, "-c", ""],
        "import mimicrl": [*python, "-c", "import mimicrl"],
        "mimicrl --help": [*python, "-m", "mimicrl", "--help"],
    }
    works = {name: _once(partial(paired.call, *words)) for name, words in commands.items()}
    slices = paired.alternate(works, settings.starts)
    rows: list[dict[str, Any]] = [
        {"start": name, "wall s": paired.cost(mine, "wall"), "CPU s": paired.cost(mine, "cpu")}
        for name, mine in slices.items()
    ]
    first_s = Spread.of(first_step_s(folder / f"first-{number}") for number in range(settings.first_steps))
    rows.append({"start": "mimicrl train, to its first step", "wall s": first_s, "CPU s": None})
    return Table("Starts", rows)


def first_step_s(path: Path) -> float:
    """Return the time [s] from the start of a training of the default preset to its first step, and kill it there."""
    trainer = trainers.Trainer(trainers.prepare(path, "batched", tiny=False))
    if trainer.live(0.0, from_first_step=True) is not None:
        raise SystemExit(f"{path}: {trainer.last_words()}")
    trainer.kill()
    assert trainer.first_step_s is not None
    return trainer.first_step_s


def memory(settings: Settings, folder: Path) -> Table:
    """Return the table of memory."""
    run = paired.prepare(
        folder / "memory",
        training={"total_timesteps": settings.samples},
        evaluation={"eval_freq": settings.samples // 2},
    )
    status = folder / "status.txt"
    paired.call(sys.executable, "-c", _REMEMBERING, str(status), "train", str(run.path))
    evaluations = len(trainers.read_json_lines(run.training.evaluations_file))
    row = {
        "samples": settings.samples,
        "evaluations": evaluations,
        "peak MB": peak_mb(status.read_text()),
    }
    return Table("Memory of a training", [row])


def peak_mb(status: str) -> float:
    """Return the peak memory [MB] of a process from its ``/proc/PID/status``."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise ValueError("no VmHWM in the status of a process")
    return int(found[1]) * 1024 / 1e6


def snakemake(settings: Settings, folder: Path) -> Table:
    """Return the table of Snakemake."""
    study = {
        "study": "tiny",
        "seeds": list(range(1, settings.seeds + 1)),
        "video": False,
        "experiments": {"walk": trainers.TINY},
    }
    folder.mkdir()
    artifacts.write_json(folder / "study.yaml", study)  # JSON is YAML
    planned = _snakemake(folder, *settings.until, "--dry-run", "--printshellcmds")
    commands = shell_commands(planned)
    ways = {
        "dry run": partial(_snakemake, folder, *settings.until, "--dry-run"),
        "Snakemake": partial(_snakemake, folder, *settings.until),
        "by hand": partial(by_hand, commands, folder),
    }
    works = {name: _once(partial(_from_nothing, folder, make)) for name, make in ways.items()}
    slices = paired.alternate(works, settings.studies, warm_up=0)
    both, a_job = (slices["Snakemake"], slices["by hand"]), 1.0 / len(commands)
    told = {name: (paired.cost(mine, "wall"), paired.cost(mine, "cpu")) for name, mine in slices.items()}
    told["added per job"] = paired.excess(*both, "wall", a_job), paired.excess(*both, "cpu", a_job)
    rows = [{"way": name, "wall s": wall_s, "CPU s": cpu_s} for name, (wall_s, cpu_s) in told.items()]
    return Table(f"A study of {len(commands)} jobs, one core", rows)


def shell_commands(planned: str) -> list[str]:
    """Return the commands of the jobs in a dry run, in an order in which they can run."""
    found = re.findall(r"^\s*Shell command: (.*)$", planned, re.MULTILINE)
    return [command for command in found if command != "None"]


def by_hand(commands: list[str], folder: Path) -> None:
    """Run the commands of a study one after another, as Snakemake would with one core."""
    for command in commands:
        paired.call("bash", "-c", f"set -euo pipefail; {command}", cwd=folder, environment=AS_A_JOB)


def _snakemake(folder: Path, *words: str) -> str:
    where = ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder), "--configfile", "study.yaml"]
    command = [sys.executable, "-m", "snakemake", *where, "--cores", "1", "--nocolor", *words]
    return paired.call(*command, cwd=folder, environment=AS_A_JOB)


def _from_nothing(folder: Path, make: Callable[[], object]) -> None:
    """Remove an earlier study and make it again."""
    for name in ("results", ".snakemake"):
        shutil.rmtree(folder / name, ignore_errors=True)
    make()


def _once(call: Callable[[], object]) -> Work:
    """Return work of one call."""
    return paired.lasting(0.0, call)


def measure(settings: Settings, folder: Path) -> Iterator[Table]:
    """Measure.

    Args:
        settings: The size of the measurement.
        folder: The folder for runs and study.
    """
    yield starts(settings, folder)
    yield memory(settings, folder)
    yield snakemake(settings, folder / "study")


def main() -> None:
    """Run the benchmark and print its tables."""
    arguments = report.parser(__doc__, "few starts, a study up to its run directories").parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or modules would be compiled at each start
    with TemporaryDirectory() as folder:
        report.publish(measure(QUICK if arguments.quick else Settings(), Path(folder)), arguments)


if __name__ == "__main__":
    main()
