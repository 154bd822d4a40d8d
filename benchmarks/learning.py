"""How many samples a walk takes: ``python -m benchmarks.learning [--quick] [--motion FILE] [--json FILE]``.

Trains the default preset with five seeds, each for its budget of 0.4 M samples. It also trains two variants with one
seed and 1 M samples each: the preset without mirroring, and direct torques at 200 Hz (the setting of Galljamov et al.
2022, with small batches). Then it trains the *classic stack* (`benchmarks.classic`) until its first success: three
seeds with the preset's hyper-parameters, and one seed with those of the paper. The median processor time of the preset
to its first success is the measure for the classic stack: a run that has used 15 times as much is stopped, and counts
as not successful.

An evaluation has 20 episodes of 20 s from evenly spread starts. The preset is evaluated every 20,000 samples, with and
without mirroring and on the classic stack. Direct torques are evaluated every 50,000 samples, and the paper's setting
every 100,000 samples. One run at a time uses the machine.

A sample is one control step of one environment: 20 ms at 50 Hz, 5 ms at 200 Hz. So the tables also show simulated
seconds. Find the first two consecutive evaluations in which all 20 episodes are stable: *first success* is the earlier
one. Wall time and processor time run from the start of the process to the end of this evaluation. They include imports
and earlier evaluations. Wall time is that of `mimicrl train` on all cores.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.report import Table
from mimicrl.config import RunConfig
from mimicrl.runs import Run

ROOT = Path(__file__).resolve().parent.parent
BUDGET, LONG_BUDGET = 400_000, 1_000_000
MILESTONES = (300_000, 400_000)
SEEDS = (101, 102, 103, 104, 105)
GIVE_UP = 15.0
_POLL_S = 0.01


@dataclass(frozen=True)
class Result:
    """What one run took until its first success.

    Attributes:
        samples: Samples until then; None if there was no success.
        wall_s: Wall time until then; None if it was not measured.
        cpu_s: Processor time until then; without success, of the whole training.
        milestones: For each milestone: reward, joint error and speed error of the first evaluation from there on.
    """

    samples: int | None
    wall_s: float | None
    cpu_s: float
    milestones: dict[int, str]


def experiment(motion: str | None, budget: int, **sections: Any) -> dict[str, Any]:
    """Return an experiment as it stands in a study's YAML."""
    return {
        "motion": {"file": motion} if motion else {"speed_mps": 1.25},
        "training": {"total_timesteps": budget},
        **sections,
    }


def prepare(folder: Path, content: dict[str, Any], seed: int) -> Run:
    """Make a run's directory as the workflow does."""
    study, out = folder / "study.yaml", folder / f"seed_{seed}"
    study.write_text(json.dumps({"study": "benchmark", "experiments": {"walk": content}}), encoding="utf-8")
    words = ["init", str(study), "--experiment", "walk", "--seed", str(seed), "--out", str(out)]
    subprocess.run([sys.executable, "-m", "mimicrl", *words], check=True, capture_output=True)
    return Run(out)


def train(run: Run, *, module: str = "mimicrl", milestones: tuple[int, ...] = MILESTONES) -> Result:
    """Train a run to its budget with `mimicrl train`, or a module in its place, and time its evaluations."""
    begin, seen_s = time.perf_counter(), []
    command = [sys.executable, "-m", module, "train", str(run.path)]
    trainer = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    file = run.training.evaluations_file
    ended = False
    while not ended:
        ended = trainer.poll() is not None  # asked before the file is read, so that the last line is seen
        lines = file.read_bytes().count(b"\n") if file.exists() else 0
        seen_s += [time.perf_counter() - begin] * (lines - len(seen_s))
        time.sleep(_POLL_S)
    if trainer.returncode:
        assert trainer.stderr is not None
        raise SystemExit(trainer.stderr.read())
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    samples = json.loads(run.outcome_file.read_text(encoding="utf-8"))["first_success_samples"]
    at = next((index for index, row in enumerate(rows) if row["samples"] == samples), None)
    return Result(
        samples=samples,
        wall_s=None if at is None else seen_s[at],
        cpu_s=rows[-1 if at is None else at]["cpu_seconds"],
        milestones={
            milestone: f"{row['reward']:.3f}, {row['joint_error_deg']:.1f}°, {row['speed_error']:.1%}"
            for milestone in milestones
            if (row := next((row for row in rows if row["samples"] >= milestone), None))
        },
    )


def train_classic(config: RunConfig, folder: Path, limit_s: float) -> Result:
    """Train the classic stack until its first success or its limit."""
    file = folder / "run.json"
    file.write_text(config.model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.classic", str(file), str(limit_s)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout)
    success = told["success"] or {"samples": None, "cpu_s": told["cpu_s"]}
    return Result(success["samples"], None, success["cpu_s"], {})


def row(case: str, seed: int, result: Result, control_hz: int) -> dict[str, Any]:
    """Return the table's row for one run."""
    samples = result.samples
    return {
        "case": case,
        "seed": seed,
        "samples to first success": samples if samples is not None else "none",
        "simulated s": None if samples is None else round(samples / control_hz),
        "wall s": result.wall_s,
        "CPU s": round(result.cpu_s, 1) if samples is not None else f"> {result.cpu_s:.0f}",
        **{
            f"at {milestone / 1e6:g} M: reward, joint error, speed error": result.milestones.get(milestone)
            for milestone in MILESTONES
        },
    }


def median(results: list[Result]) -> Result:
    """Return the medians over runs. A run without success counts as later than all others."""
    late = float("inf")
    samples = statistics.median(late if result.samples is None else result.samples for result in results)
    wall_s = statistics.median(late if result.wall_s is None else result.wall_s for result in results)
    cpu_s = statistics.median(late if result.samples is None else result.cpu_s for result in results)
    return Result(None if samples == late else int(samples), None if wall_s == late else wall_s, cpu_s, {})


def tables(*, quick: bool, motion: str | None) -> Iterator[Table]:
    """Yield the benchmark's tables."""
    budget, seeds = (150_000, SEEDS[:2]) if quick else (BUDGET, SEEDS)
    with tempfile.TemporaryDirectory() as name:
        preset = experiment(motion, budget)
        results, rows = [], []
        for seed in seeds:
            run = prepare(_fresh(name), preset, seed)
            results.append(train(run))
            rows.append(row("default preset", seed, results[-1], run.config.mdp.control_hz))
        middle = median(results)
        yield Table(f"The default preset, first success in {sum(r.samples is not None for r in results)} runs", rows)
        about = {"preset": "the default preset", "runs": len(results)}
        yield Table(
            "Medians", [about | {"samples": middle.samples, "wall s": middle.wall_s, "CPU s": round(middle.cpu_s, 1)}]
        )
        if not (quick or motion):
            yield others(name, middle.cpu_s)


def others(name: str, preset_cpu_s: float) -> Table:
    """Compare with the preset without mirroring, with direct torques, and with the classic stack."""
    presets = ROOT / "configs" / "experiments"
    torque = experiment(None, LONG_BUDGET, evaluation={"eval_freq": 50_000}, use=str(presets / "torque200.yaml"))
    unmirrored = experiment(None, LONG_BUDGET, mdp={"mirroring": "none"})
    preset = experiment(None, BUDGET)
    paper = experiment(None, 8_000_000, use=str(presets / "paper.yaml"))
    rows = []
    for case, content, seeds in (
        ("without mirroring", unmirrored, SEEDS[:1]),
        ("torque at 200 Hz", torque, SEEDS[:1]),
        ("classic stack, the preset's hyper-parameters", preset, SEEDS[:3]),
        ("classic stack, the paper's hyper-parameters", paper, SEEDS[:1]),
    ):
        for seed in seeds:
            run = prepare(_fresh(name), content, seed)
            classic = case.startswith("classic")
            result = train_classic(run.config, Path(name), GIVE_UP * preset_cpu_s) if classic else train(run)
            times = f"{'> ' if result.samples is None else ''}{result.cpu_s / preset_cpu_s:.1f}"
            told = row(case, seed, result, run.config.mdp.control_hz)
            rows.append(told | {"times the preset's CPU s": times})
    return Table("Other settings and stacks", rows)


def _fresh(name: str) -> Path:
    return Path(tempfile.mkdtemp(dir=name))


def main() -> None:
    """Run the benchmark."""
    parser = report.parser(__doc__, "two seeds of the default preset, 0.15 M samples")
    parser.add_argument("--motion", metavar="FILE", help="imitate this motion file instead of the generated walk")
    arguments = parser.parse_args()
    motion = str(Path(arguments.motion).resolve()) if arguments.motion else None
    report.publish(tables(quick=arguments.quick, motion=motion), arguments)


if __name__ == "__main__":
    main()
