"""What state a run is in: whether it is trained to its end, and whether somebody is training it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from mimicrl.runs.records import Attempt, Outcome, Progress, RunRecord

PATIENCE = 3
"""A training that has not reported for this many of its intervals is silent."""
START_S = 60.0
"""What stands for the interval until the first report: the first rollout may take as long."""


class Missing(StrEnum):
    """Why a run is not at its end."""

    NO_DIRECTORY = "no run directory"
    NOT_TRAINED = "not trained to its end"
    CHANGED = "configuration changed since training"


def missing(record: RunRecord | None, outcome: Outcome | None, total_timesteps: int) -> Missing | None:
    """Return why a run is not trained to its end, None where it is, whether it diverged or not.

    Args:
        record: What the run is, None where it is not initialised.
        outcome: How its last training ended, None where none did.
        total_timesteps: The budget that is asked for: a longer one may leave the fingerprint as it is [samples].
    """
    if record is None:
        return Missing.NO_DIRECTORY
    if outcome is None:
        return Missing.NOT_TRAINED
    if outcome.fingerprint != record.fingerprint:
        return Missing.CHANGED
    return Missing.NOT_TRAINED if outcome.total_timesteps < total_timesteps else None


def silence_s(attempt: Attempt, progress: Progress | None, now: datetime | None = None) -> float | None:
    """Return for how long an attempt under way has not reported, None where it is expected to be at work [s].

    Args:
        attempt: The attempt.
        progress: What was reported last, by this attempt or an earlier one.
        now: The time.
    """
    reported = progress if progress is not None and progress.token == attempt.token else None
    last, interval_s = (reported.updated, reported.interval_s) if reported else (attempt.started, START_S)
    try:
        age_s = ((now or datetime.now(UTC)) - datetime.fromisoformat(str(last))).total_seconds()
    except (TypeError, ValueError):  # no time, or one without a zone
        return float("inf")
    return age_s if age_s > PATIENCE * interval_s else None
