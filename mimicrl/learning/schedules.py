"""Values that change in the course of training, as functions of the samples taken so far."""

from __future__ import annotations

import math

from mimicrl.config import Schedule


def value_at(schedule: Schedule, samples: int, total_timesteps: int) -> float:
    """Return a schedule's value.

    Args:
        schedule: The schedule.
        samples: Samples taken so far.
        total_timesteps: The run's budget, the length of a schedule that has none of its own.

    The exponential decay is ``end + (start − end) · exp(−rate · progress)`` (Galljamov et al. 2022); it comes
    close to its end without reaching it.
    """
    if schedule.end is None:
        return schedule.start
    progress = min(1.0, samples / (schedule.samples or total_timesteps))
    if schedule.kind == "linear":
        return schedule.start + progress * (schedule.end - schedule.start)
    return schedule.end + (schedule.start - schedule.end) * math.exp(-schedule.rate * progress)
