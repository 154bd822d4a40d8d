"""Folders as trainers leave them, written by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from mimicrl.status.here import Here

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HERE = Here("here", NOW, frozenset())
FINGERPRINT = "0123456789ab"
TOTAL = 1000


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def make_study(
    folder: Path, runs: Sequence[tuple[str, int]], total: int = TOTAL, training: dict[str, Any] | None = None
) -> None:
    """Write ``study.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    experiments = {name: {"training": {"total_timesteps": total} | (training or {})} for name, _ in runs}
    expected = [{"experiment": name, "seed": seed} for name, seed in runs]
    content = {"study": folder.name, "experiments": experiments, "expected_runs": expected}
    (folder / "study.yaml").write_text(yaml.safe_dump(content))


def make_run(path: Path) -> Path:
    """Write what `mimicrl init` does, as far as it is read; return the training state's folder."""
    write(path / "run.json", {"experiment": path.parent.name, "fingerprint": FINGERPRINT})
    (path / "config.yaml").write_text(yaml.safe_dump({"training": {"total_timesteps": TOTAL}}))
    return path / "training" / FINGERPRINT


def attempt(**changes: Any) -> dict[str, Any]:
    """What ``attempt.json`` says; with ``to`` and ``why`` a line of ``attempts.jsonl``."""
    started = (NOW - timedelta(hours=1)).isoformat()
    blank = {"attempt": 1, "from": 0, "host": "here", "process": 11, "slurm_job": None, "started": started}
    return blank | changes


def begin(training: Path, **changes: Any) -> None:
    """Let an attempt be under way."""
    write(training / "attempt.json", attempt(**changes))


def end(training: Path, why: str, **changes: Any) -> None:
    """Let an attempt have ended."""
    training.mkdir(parents=True, exist_ok=True)
    with (training / "attempts.jsonl").open("a") as file:
        file.write(json.dumps(attempt(why=why, **changes)) + "\n")


def tell(path: Path, *, age_s: float = 0.0, **changes: Any) -> None:
    """Write ``progress.json``."""
    blank = {
        "state": "running",
        "samples": 250,
        "total_timesteps": TOTAL,
        "steps_per_s": 50.0,
        "eta_s": 15.0,
        "last_evaluation": {"stable_episodes": 3, "episodes": 20, "reward": 0.5},
        "host": "here",
        "process": 11,
        "slurm_job": None,
        "updated": (NOW - timedelta(seconds=age_s)).isoformat(),
    }
    write(path / "progress.json", blank | changes)


def finish(path: Path, status: str = "completed", **changes: Any) -> None:
    """Write ``outcome.json``."""
    blank = {"status": status, "samples": 1024, "total_timesteps": TOTAL, "fingerprint": FINGERPRINT}
    write(path / "outcome.json", blank | {"train_seconds": 16.0, "problem": None} | changes)
