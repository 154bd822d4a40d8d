"""What a checkpoint holds besides the learner: evaluations, the best policy, lengths of the history, machines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import pydantic
from pydantic import NonNegativeFloat, NonNegativeInt

from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.training.checkpoints.store import Checkpoint
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.history import Offsets

BEST = "best_policy"


@dataclass(frozen=True)
class Extra:
    """What a checkpoint holds besides the learner.

    Attributes:
        evaluation: What evaluations came to.
        best_policy: ``policy.json`` of the best policy; its weights are an array of the checkpoint.
        offsets: Lengths of the history.
        tensorboard: Length of each of TensorBoard's files [byte], by name.
        seconds: Time that training took.
        machines: The machines it was on, the last one at its end; see `mimicrl.training.checkpoints.machines`.
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
    weights = found.arrays.get(BEST)
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
