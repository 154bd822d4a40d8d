"""From the files of a run to how far it is.

A trainer on this host lives as long as its lock is held, which the system tells; of one on another host only
``progress.json`` tells, until nothing new has come for a while.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mimicrl.errors import ConfigError
from mimicrl.runs import RunDirectory
from mimicrl.status import files, places
from mimicrl.status.here import Here, look

State = Literal["waiting", "running", "stopped", "failed", "died", "silent", "completed", "diverged"]

_ENDED: dict[Any, State] = {"completed": "completed", "diverged": "diverged"}
_SILENT_S = 600.0  # progress.json is written at every rollout, which takes seconds


@dataclass(frozen=True)
class RunStatus:
    """How far one run is.

    Attributes:
        name: Study, experiment and seed.
        state: ``waiting`` for a trainer; ``running``; ``stopped`` by a signal, or ``failed``, with a word; ``died``
            without one; ``silent``, on another host and not heard of; ``completed``, ``diverged``.
        samples: Environment steps taken.
        total: Environment steps asked for; None where nothing tells.
        steps_per_s: Of the last attempt while running, of the whole training in the end.
        eta_s: Seconds left.
        stable: Stable episodes of the last evaluation, and all of them.
        reward: Imitation reward of the last evaluation.
        attempts: Times that a trainer began.
        where: Host and Slurm job of the last one.
        note: Why it ended, or how long it has been silent.
    """

    name: str
    state: State
    samples: int = 0
    total: int | None = None
    steps_per_s: float | None = None
    eta_s: float | None = None
    stable: tuple[int, int] | None = None
    reward: float | None = None
    attempts: int = 0
    where: str = ""
    note: str = ""


def read(directory: Path, here: Here | None = None) -> list[RunStatus]:
    """Return how far the runs of a directory are.

    Args:
        directory: One run, a study, or a folder of studies and runs.
        here: This host, by default as it is now.

    Raises:
        ConfigError: There is no such directory.
    """
    if not directory.is_dir():
        raise ConfigError(
            "there is no such directory", where=directory, fix="name the folder of results, of a study or of a run"
        )
    here = here or look()
    return [_status(place, here) for place in places.find(directory)]


def is_over(rows: Iterable[RunStatus]) -> bool:
    """Return whether every run has come to its end."""
    return all(row.state in _ENDED for row in rows)


def _status(place: places.Place, here: Here) -> RunStatus:
    run = RunDirectory(place.path)
    identity, outcome = files.mapping(run.run_file), files.mapping(run.outcome_file)
    training = run.path / "training" / str(identity.get("fingerprint"))
    attempt, attempts = _last_attempt(training)
    progress = _progress(run, attempt)
    if outcome.get("fingerprint") != identity.get("fingerprint"):  # the configuration has changed since
        outcome = {}
    total = place.total or files.count(progress, "total_timesteps") or files.count(outcome, "total_timesteps")
    state, note = _state(run.lock_file, attempt, progress, outcome, total, here)
    evaluation = progress.get("last_evaluation") or files.last_line(training / "evaluations.jsonl")
    stable, episodes = files.count(evaluation, "stable_episodes"), files.count(evaluation, "episodes")
    last = attempt or progress
    samples, rate = _pace(state, attempt, progress, outcome)
    return RunStatus(
        name=place.name,
        state=state,
        samples=samples,
        total=total,
        steps_per_s=rate,
        eta_s=files.number(progress, "eta_s") if state == "running" else None,
        stable=None if stable is None or episodes is None else (stable, episodes),
        reward=files.number(evaluation, "reward"),
        attempts=attempts,
        where=", ".join(f"{word}{last[key]}" for key, word in (("host", ""), ("slurm_job", "job ")) if last.get(key)),
        note=note,
    )


def _last_attempt(training: Path) -> tuple[dict[str, Any], int]:
    """Return the last attempt, without ``why`` where it has not ended by itself, and how many there were."""
    ended = files.line_count(training / "attempts.jsonl")
    now = files.mapping(training / "attempt.json")
    if now and (files.count(now, "attempt") or ended + 1) > ended:  # else it was killed after its line was written
        return {key: value for key, value in now.items() if key != "why"}, ended + 1
    return files.last_line(training / "attempts.jsonl"), ended


def _progress(run: RunDirectory, attempt: dict[str, Any]) -> dict[str, Any]:
    """Return ``progress.json`` where it is of the last attempt, and not of one before or of another configuration."""
    progress = files.mapping(run.progress_file)
    if attempt:
        return progress if all(progress.get(key) == attempt.get(key) for key in ("host", "process")) else {}
    return {} if (run.path / "training").exists() else progress


def _pace(
    state: State, attempt: dict[str, Any], progress: dict[str, Any], outcome: dict[str, Any]
) -> tuple[int, float | None]:
    """Return how many samples were taken, and how many a second."""
    taken, seconds = files.count(outcome, "samples"), files.number(outcome, "train_seconds")
    if state in _ENDED:
        return taken or 0, (taken or 0) / seconds if seconds else None
    known = (files.count(progress, "samples"), files.count(attempt, "to"), files.count(attempt, "from"), taken)
    rate = files.number(progress, "steps_per_s") if state == "running" else None
    return next((samples for samples in known if samples is not None), 0), rate


def _state(
    lock: Path,
    attempt: dict[str, Any],
    progress: dict[str, Any],
    outcome: dict[str, Any],
    total: int | None,
    here: Here,
) -> tuple[State, str]:
    """Return a run's state, and a note on it."""
    last = attempt or progress
    is_open, is_here = "why" not in attempt, last.get("host") == here.host
    if here.holds(lock, last.get("process") if is_open and is_here else None):
        return "running", ""
    ended = _ENDED.get(str(outcome.get("status")))  # which may be anything
    if ended and (files.count(outcome, "total_timesteps") or 0) >= (total or 0):
        return ended, str(outcome.get("problem") or "")
    why = str(progress.get("state") if is_open else attempt["why"])
    if not last or (ended and why in _ENDED):  # the second time for a longer budget
        return "waiting", ""
    if why.startswith("stopped"):
        return "stopped", ""
    if not is_open and why not in ("killed", *_ENDED):  # after the line of an attempt that succeeds come its results
        return "failed", why
    if is_here:
        return "died", ""
    silent_s = _seconds_since(progress.get("updated") or last.get("started"), here.now)
    return ("silent", f"no word for {silent_s / 60:.0f} min") if silent_s > _SILENT_S else ("running", "")


def _seconds_since(stamp: Any, now: datetime) -> float:
    try:
        return (now - datetime.fromisoformat(stamp)).total_seconds()
    except (TypeError, ValueError):
        return math.inf
