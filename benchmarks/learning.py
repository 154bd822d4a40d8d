"""How much practice a walk takes: ``python -m benchmarks.learning [--quick] [--json FILE]``.

Trains the default preset with five seeds, and with direct torques at 200 Hz (the setting of Galljamov et al. 2022)
with and without mirroring, one seed each. Evaluations every 10,000 samples: 20 episodes of 20 s from evenly spread
starts. A sample is one control step, 20 ms at 50 Hz and 5 ms at 200 Hz, so simulated seconds stand beside samples.
First success is the first of two evaluations in a row in which all 20 episodes were stable. CPU seconds are those of
the training process and its threads up to first success, evaluations included; each run has one core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
EVALUATION_INTERVAL = 10_000
MILESTONES = (300_000, 1_000_000)


@dataclass(frozen=True)
class Case:
    """One row of the benchmark: an experiment, its seeds and its budget.

    Attributes:
        name: Name of the experiment.
        experiment: Its content, as in a study's YAML.
        seeds: One run each.
    """

    name: str
    experiment: dict[str, Any]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """What one run took and reached.

    Attributes:
        case: Name of the case.
        seed: The run's seed.
        samples: Samples at first success, or None.
        simulated_s: The same in simulated seconds.
        cpu_s: CPU seconds up to there.
        milestones: For each milestone reached, imitation reward and joint error [deg] of the evaluation there.
    """

    case: str
    seed: int
    samples: int | None
    simulated_s: float | None
    cpu_s: float | None
    milestones: dict[str, tuple[float, float]]


def cases(quick: bool, motion: str | None) -> list[Case]:
    """Return the benchmark's cases; quick, two seeds of the default preset with a small budget."""
    common: dict[str, Any] = {
        "motion": {"file": motion} if motion else {"speed_mps": 1.25},
        "evaluation": {"interval": EVALUATION_INTERVAL},
        "logging": {"tensorboard": False},
    }
    budget = {"total_timesteps": 150_000 if quick else 1_000_000}
    default = Case("default", common | {"training": budget}, (101, 102) if quick else (101, 102, 103, 104, 105))
    if quick or motion:
        return [default]
    torque = common | {"use": str(ROOT / "configs" / "experiments" / "torque200.yaml"), "training": budget}
    return [
        default,
        Case("torque-200hz", torque, (101,)),
        Case("torque-200hz-unmirrored", torque | {"mimic": {"mirroring": "none"}}, (101,)),
    ]


def run(case: Case, seed: int, folder: Path) -> Result:
    """Train one run in a process of its own and read what it reached."""
    study = folder / f"{case.name}.yaml"
    study.write_text(json.dumps({"study": "benchmark", "experiments": {case.name: case.experiment}}), encoding="utf-8")
    out = folder / case.name / f"seed_{seed}"
    mimicrl = [sys.executable, "-m", "mimicrl"]
    subprocess.run(
        [*mimicrl, "init", str(study), "--experiment", case.name, "--seed", str(seed), "--out", str(out)],
        check=True,
        capture_output=True,
    )
    subprocess.run([*mimicrl, "train", str(out), "--threads", "1"], check=True, capture_output=True)
    outcome = json.loads((out / "outcome.json").read_text(encoding="utf-8"))
    lines = next(out.glob("training/*/evaluations.jsonl")).read_text(encoding="utf-8").splitlines()
    evaluations = [json.loads(line) for line in lines]
    first = outcome["first_success_samples"]
    reached = {}
    for milestone in MILESTONES:
        row = next((row for row in evaluations if row["samples"] >= milestone), None)
        if row is not None:
            reached[f"{milestone}"] = (row["imitation_reward"], row["joint_error_deg"])
    return Result(
        case=case.name,
        seed=seed,
        samples=first,
        simulated_s=outcome["first_success_simulated_s"],
        cpu_s=next((row["cpu_seconds"] for row in evaluations if row["samples"] == first), None),
        milestones=reached,
    )


def table(results: list[Result]) -> str:
    """Return the results as a Markdown table with a median for each case of several seeds."""
    lines = [
        "| case | seed | samples to first success | simulated s | CPU s | reward, error at 0.3 M | at 1 M |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        lines.append(
            f"| {result.case} | {result.seed} | {_count(result.samples)} | {_count(result.simulated_s)} "
            f"| {_count(result.cpu_s)} | {_milestone(result, MILESTONES[0])} | {_milestone(result, MILESTONES[1])} |"
        )
    for case in dict.fromkeys(result.case for result in results):
        mine = [result for result in results if result.case == case]
        reached = [result.samples for result in mine if result.samples is not None]
        if len(mine) > 1:
            # A run that never succeeded counts as later than all others.
            ordered = sorted([*reached, *[float("inf")] * (len(mine) - len(reached))])
            median = statistics.median(ordered)
            shown = f"{median:,.0f}" if median < float("inf") else "> budget"
            lines.append(
                f"| {case} | **median of {len(mine)}** | **{shown}** ({len(reached)} of {len(mine)}) | | | | |"
            )
    return "\n".join(lines)


def _count(value: float | None) -> str:
    return "> budget" if value is None else f"{value:,.0f}"


def _milestone(result: Result, milestone: int) -> str:
    found = result.milestones.get(f"{milestone}")
    return f"{found[0]:.3f}, {found[1]:.1f}°" if found else "–"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds, 0.15 M samples")
    parser.add_argument("--motion", metavar="FILE", help="imitate this motion file instead of the generated walk")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs side by side (default: all cores)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results there too")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    motion = str(Path(arguments.motion).resolve()) if arguments.motion else None
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = [
            pool.submit(run, case, seed, Path(folder)) for case in cases(arguments.quick, motion) for seed in case.seeds
        ]
        results = []
        for job in jobs:
            results.append(job.result())
            print(results[-1], file=sys.stderr, flush=True)
    print(table(results))
    print(f"\n{len(results)} runs in {time.perf_counter() - begin:.0f} s, {arguments.jobs} side by side")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
