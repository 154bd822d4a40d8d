"""Folders as trainers leave them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from mimicrl.runs import Run, Study
from mimicrl.runs.layout import TrainingState
from mimicrl.runs.records import FORMAT, Attempt, Outcome, Progress, RunRecord

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FINGERPRINT = "0123456789ab"
TOTAL = 1000


def make_study(folder: Path, runs: Sequence[tuple[str, int]], total: int = TOTAL) -> Study:
    """Write ``study.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    experiment = {"training": {"total_timesteps": total, "gamma": 0.99}, "evaluation": {"episodes": 20}}
    content = {
        "format": FORMAT,
        "study": folder.name,
        "experiments": {name: experiment for name, _ in runs},
        "expected_runs": [{"experiment": name, "seed": seed} for name, seed in runs],
    }
    Study(folder).study_file.write_text(yaml.safe_dump(content))
    return Study(folder)


def make_run(path: Path, **changes: Any) -> Run:
    """Write ``run.json``."""
    blank: dict[str, Any] = {"study": "demo", "experiment": "walk", "seed": 1, "seeds": {}, "fingerprint": FINGERPRINT}
    hashes: dict[str, Any] = {name: "" for name in ("motion_sha256", "walker_sha256", "config_sha256")}
    hashes["plugins_sha256"] = {}
    RunRecord(**{"format": FORMAT, "total_timesteps": TOTAL, **blank, **hashes, **changes}).write(Run(path).run_file)
    return Run(path)


def training(run: Run) -> TrainingState:
    return run.training_of(FINGERPRINT)


def attempt(**changes: Any) -> Attempt:
    """One that is under way; with ``end`` and ``why`` one that has ended."""
    started = (NOW - timedelta(hours=1)).isoformat()
    return Attempt(**{"attempt": 1, "begin": 0, "host": "here", "token": "a", "started": started, **changes})


def begin(run: Run, **changes: Any) -> None:
    """Let an attempt be under way."""
    attempt(**changes).write(training(run).attempt_file)


def end(run: Run, why: str, **changes: Any) -> None:
    """Let an attempt have ended."""
    training(run).path.mkdir(parents=True, exist_ok=True)
    with training(run).attempts_file.open("a") as file:
        file.write(json.dumps(attempt(why=why, **changes).as_json()) + "\n")


def report(run: Run, *, age_s: float = 0.0, **changes: Any) -> None:
    """Write ``progress.json``."""
    blank: dict[str, Any] = {
        "state": "running",
        "samples": 250,
        "total_timesteps": TOTAL,
        "steps_per_s": 50.0,
        "eta_s": 15.0,
        "interval_s": 10.0,
        "last_evaluation": None,
        "host": "here",
        "process": 11,
        "token": "a",
        "slurm_job": None,
        "updated": (NOW - timedelta(seconds=age_s)).isoformat(),
    }
    Progress(**blank | changes).write(run.progress_file)


def finish(run: Run, status: str = "completed", **changes: Any) -> None:
    """Write ``outcome.json``."""
    blank: dict[str, Any] = dict.fromkeys(Outcome.model_fields)
    blank |= {"status": status, "samples": 1024, "total_timesteps": TOTAL, "fingerprint": FINGERPRINT}
    blank |= {"train_seconds": 16.0, "evaluation_seconds": 1.0, **changes}
    Outcome(**blank).write(run.outcome_file)
