"""When checkpoints are written, and what goes into them besides the learner."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pydantic
from pydantic import NonNegativeFloat, NonNegativeInt

from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint
from mimicrl.training.checkpoint import Checkpoint
from mimicrl.training.evaluation import Evaluations, EvaluationState
from mimicrl.training.history import History, Offsets
from mimicrl.training.ppo import MimicPPO

CHECKPOINT_SECONDS = 600.0
_BEST = "best_policy"


@dataclass(frozen=True)
class Extra:
    """What a checkpoint holds besides the learner.

    Attributes:
        evaluation: What evaluations came to.
        best_policy: ``policy.json`` of the best policy; its weights are an array of the checkpoint.
        offsets: Lengths of the history.
        tensorboard: Length of each of TensorBoard's files [byte], by name.
        seconds: Time that training took.
        machines: The machines it was on, the last one at its end; see `machine.history`.
    """

    evaluation: EvaluationState
    best_policy: dict[str, Any] | None
    offsets: Offsets
    tensorboard: dict[str, NonNegativeInt]
    seconds: NonNegativeFloat
    machines: list[dict[str, Any]]


_EXTRA = pydantic.TypeAdapter(Extra)


def fresh() -> Extra:
    """Return what a training begins with."""
    return Extra(EvaluationState(), None, Offsets(0, 0), {}, 0.0, [])


def read(found: Checkpoint) -> tuple[Extra, Policy | None]:
    """Return what a checkpoint holds besides the learner, and the best policy by then.

    Raises:
        ArtifactError: It is of another shape.
    """
    try:
        extra = _EXTRA.validate_json(json.dumps(found.state["extra"]), strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, ('extra', *first['loc'])))}: {first['msg']}"
        raise _damaged(found, got) from error
    if asdict(extra) != found.state["extra"]:
        raise _damaged(found, "entries that are unknown or missing")
    if extra.evaluation.best is None and extra.best_policy is None:
        return extra, None
    weights = found.arrays.get(_BEST)
    if extra.evaluation.best is None or extra.best_policy is None or weights is None:
        raise _damaged(found, "a part of the best policy")
    policy = Policy.parse(weights.tobytes(), extra.best_policy, found.path)
    if policy.about.get("samples") != extra.evaluation.best.samples:
        raise _damaged(found, f"the best policy after {policy.about.get('samples')} samples")
    return extra, policy


def _damaged(found: Checkpoint, got: str) -> ArtifactError:
    return ArtifactError(
        "a checkpoint's counters are damaged", where=found.path, got=got, fix="start from nothing with --resume never"
    )


class Checkpoints:
    """Writes the checkpoints of a run, by samples and by wall time.

    Args:
        run: The run.
        samples: Samples that earlier attempts took.
        machines: The machines it was on so far, the last one this; see `machine.history`.
    """

    def __init__(self, run: RunDirectory, samples: int, machines: list[dict[str, Any]]) -> None:
        self._run, self._machines = run, machines
        self._saved, self._saved_at = samples, time.monotonic()

    def due(self, samples: int) -> bool:
        """Return whether enough samples were taken, or enough time went by, since the last one."""
        interval = self._run.config.training.checkpoint_interval
        return samples // interval > self._saved // interval or time.monotonic() - self._saved_at > CHECKPOINT_SECONDS

    def save(self, model: MimicPPO, evaluations: Evaluations, history: History, seconds: float) -> None:
        """Write a checkpoint unless the last one is of now.

        Args:
            model: The learner, at a rollout boundary.
            evaluations: What its evaluations came to.
            history: Its append-only files, whose lengths go into the checkpoint.
            seconds: Time that training took.
        """
        directory, samples = self._run.training_directory / "checkpoints", model.num_timesteps
        if samples == self._saved and (directory / f"step-{samples:012d}").exists():
            return
        history.sync()
        best = evaluations.best_policy
        extra = Extra(
            evaluation=evaluations.state,
            best_policy=best.description() if best else None,
            offsets=history.offsets(),
            tensorboard=history.tensorboard_lengths(),
            seconds=seconds,
            machines=self._machines,
        )
        arrays = {_BEST: np.frombuffer(best.weights(), np.uint8)} if best else {}
        checkpoint.save(directory, self._run.fingerprint, model, asdict(extra), arrays)
        self._saved, self._saved_at = samples, time.monotonic()
