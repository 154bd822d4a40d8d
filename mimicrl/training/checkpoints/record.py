"""``state.json`` of a checkpoint: what a training continues from besides arrays."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pydantic
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt

from mimicrl import artifacts
from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.training.checkpoints.store import Checkpoint
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.reporting.history import Offsets

BEST_POLICY = "best_policy"
"""The array with the best policy's weights, as the bytes of its file."""


class Counters(BaseModel):
    """What a learner continues from besides its arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    num_timesteps: NonNegativeInt = 0
    """Samples taken."""
    n_updates: NonNegativeInt = 0
    """Epochs that all updates took."""
    episodes: list[dict[str, int | float]] = []
    """Return ``r``, length ``l`` and seconds ``t`` of the last training episodes, as Stable-Baselines3 keeps them."""
    python_random: tuple[Any, ...] = Field(default_factory=random.getstate)
    """State of Python's generator."""
    numpy_gauss: tuple[int, float] = (0, 0.0)
    """NumPy's generator makes normal numbers in pairs: whether the second one is in store, and which it is."""


class TrainingRecord(Counters):
    """What a training continues from besides arrays; by default, what one begins with."""

    evaluation: EvaluationState = EvaluationState()
    """What the evaluations came to."""
    best_policy: dict[str, Any] | None = None
    """``policy.json`` of the best policy; its weights are an array of the checkpoint."""
    offsets: Offsets = Offsets(0, 0)
    """Lengths of the history."""
    tensorboard: dict[str, NonNegativeInt] = {}
    """Length of each of TensorBoard's files [byte], by name."""
    seconds: NonNegativeFloat = 0.0
    """Time that training took."""
    platforms: list[dict[str, Any]] = []
    """The platforms it ran on, the last one at its end; see `mimicrl.training.checkpoints.platforms`."""


def read(found: Checkpoint) -> tuple[TrainingRecord, Policy | None]:
    """Return a checkpoint's record, and the best policy by then.

    Raises:
        ArtifactError: It is of another shape.
    """
    try:
        record = TrainingRecord.model_validate_json(artifacts.json_bytes(found.state))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise _damaged(found, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if artifacts.json_bytes(record.model_dump(mode="json")) != artifacts.json_bytes(found.state):
        raise _damaged(found, "entries that are unknown or missing")
    best, weights = record.evaluation.best, found.arrays.get(BEST_POLICY, np.empty(0, np.uint8))
    if best is None or record.best_policy is None:
        return record, None
    policy = Policy.parse(weights.tobytes(), record.best_policy, found.path)
    if policy.about.get("samples") != best.samples:
        raise _damaged(found, f"the best policy after {policy.about.get('samples')} samples")
    return record, policy


def _damaged(found: Checkpoint, got: str) -> ArtifactError:
    return ArtifactError(
        "a checkpoint's counters are damaged", where=found.path, got=got, fix="start from zero with --resume never"
    )
