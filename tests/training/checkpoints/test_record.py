"""What checkpoints hold besides arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.checkpoints import record, store
from mimicrl.training.checkpoints.record import BEST_POLICY
from mimicrl.training.checkpoints.store import Checkpoint


@pytest.fixture
def found(trained_run: Run) -> Checkpoint:
    """The last checkpoint of a run, whose best policy it has."""
    found, _ = store.newest(trained_run.training.checkpoints_directory, trained_run.fingerprint)
    assert found is not None
    return found


def test_what_a_checkpoint_knows_comes_back(found: Checkpoint, trained_run: Run) -> None:
    known, best = record.read(found)
    assert artifacts.json_bytes(known.model_dump(mode="json")) == artifacts.json_bytes(found.state)
    assert best is not None
    assert known.evaluation.best is not None
    told = artifacts.read_json(trained_run.outcome_file)["best"]
    assert known.evaluation.best.as_json() == told | {"score": tuple(told["score"])}
    published = Policy.load(trained_run.policy_directory("best"))
    assert best.weights() == published.weights()
    assert best.description() == published.description()


def test_a_training_without_an_evaluation_has_no_best_policy(found: Checkpoint) -> None:
    state = found.state | {"evaluation": found.state["evaluation"] | {"best": None}, "best_policy": None}
    known, best = record.read(replace(found, state=state))
    assert known.evaluation.best is None
    assert best is None


@pytest.mark.fault(10)
def test_whatever_is_missing_is_told(found: Checkpoint) -> None:
    for key in found.state:
        state = {name: value for name, value in found.state.items() if name != key}
        with pytest.raises(ArtifactError, match=rf"^a checkpoint's counters are damaged — {found.path} — got "):
            record.read(replace(found, state=state))


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda state: {"n_updates": "1"}, "n_updates: "),
        (lambda state: {"episodes": [1]}, "episodes.0: "),
        (lambda state: {"evaluation": []}, "evaluation: "),
        (lambda state: {"evaluation": state["evaluation"] | {"best": [1]}}, "evaluation.best: "),
        (lambda state: {"offsets": {"metrics": -1, "evaluations": 0}}, "offsets.metrics: "),
        (lambda state: {"seconds": -1.0}, "seconds: "),
        (lambda state: {"more": 1}, "more: "),
        (lambda state: {"best_policy": state["best_policy"] | {"samples": 1}}, "the best policy after 1 samples"),
    ],
)
def test_what_has_another_shape_is_told(
    found: Checkpoint, change: Callable[[dict[str, Any]], dict[str, Any]], got: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        record.read(replace(found, state=found.state | change(found.state)))
    assert str(caught.value).startswith(f"a checkpoint's counters are damaged — {found.path} — got {got}")
    assert caught.value.fix == "start from zero with --resume never"


@pytest.mark.parametrize("arrays", [{}, {BEST_POLICY: np.zeros(64, np.uint8)}])
def test_another_best_policy_than_the_described_one_is_told(found: Checkpoint, arrays: dict[str, np.ndarray]) -> None:
    with pytest.raises(ArtifactError, match=r"^a policy's weights are not those it describes — "):
        record.read(replace(found, arrays=arrays))
