"""How a training ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Outcome:
    """How a training ended; the content of ``outcome.json``.

    Attributes:
        status: ``completed`` or ``diverged``.
        samples: Environment steps taken.
        total_timesteps: The budget.
        fingerprint: The training state.
        first_success_samples: Samples at the first of two evaluations in a row in which all episodes were stable.
        first_success_simulated_s: The same in simulated seconds.
        best: The best evaluation.
        train_seconds: Wall time of training, all attempts together.
        evaluation_seconds: What evaluations took of it.
        problem: What diverged.
    """

    status: Literal["completed", "diverged"]
    samples: int
    total_timesteps: int
    fingerprint: str
    first_success_samples: int | None
    first_success_simulated_s: float | None
    best: dict[str, Any] | None
    train_seconds: float
    evaluation_seconds: float
    problem: str | None
