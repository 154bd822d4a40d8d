"""What checkpoints know besides the learner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.checkpoints import extra, store
from mimicrl.training.checkpoints.extra import fresh
from mimicrl.training.checkpoints.store import Checkpoint


@pytest.fixture
def found(trained_run: Run) -> Checkpoint:
    """The last checkpoint of a run, whose best policy it has."""
    found, _ = store.newest(trained_run.training.checkpoints_directory, trained_run.fingerprint)
    assert found is not None
    return found


def test_what_a_checkpoint_knows_comes_back(found: Checkpoint, trained_run: Run) -> None:
    known, best = extra.read(found)
    assert asdict(known) == found.state["extra"]
    assert best is not None and known.evaluation.best is not None
    assert known.evaluation.best.as_json() == {
        key: tuple(value) if key == "score" else value
        for key, value in artifacts.read_json(trained_run.outcome_file)["best"].items()
    }
    published = Policy.load(trained_run.policy_directory("best"))
    assert (best.weights(), best.description()) == (published.weights(), published.description())


def test_a_training_without_an_evaluation_has_no_best_policy(found: Checkpoint) -> None:
    assert extra.read(replace(found, state={"extra": asdict(fresh())}, arrays={})) == (fresh(), None)


def lacking(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The same, each without one of its entries, at any depth."""
    found = []
    for key, value in content.items():
        found.append({name: content[name] for name in content if name != key})
        if isinstance(value, dict) and key in ("evaluation", "offsets", "best", "summary"):
            found += [content | {key: changed} for changed in lacking(value)]
    return found


@pytest.mark.fault(10)
def test_whatever_is_missing_is_told(found: Checkpoint) -> None:
    told = 0
    for content in lacking(found.state["extra"]):
        with pytest.raises(ArtifactError, match=rf"^a checkpoint's counters are damaged — {found.path} — got "):
            extra.read(replace(found, state={"extra": content}))
        told += 1
    assert told > 15


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("change", "got"),
    [
        (lambda extra: extra | {"evaluation": []}, "extra.evaluation: "),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"count": "1"}}, "extra.evaluation.count: "),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"best": [1]}}, "extra.evaluation.best: "),
        (lambda extra: extra | {"offsets": {"metrics": -1, "evaluations": 0}}, "extra.offsets.metrics: "),
        (lambda extra: extra | {"offsets": {"metrics": 1.5, "evaluations": 0}}, "extra.offsets.metrics: "),
        (lambda extra: extra | {"tensorboard": {"events": None}}, "extra.tensorboard.events: "),
        (lambda extra: extra | {"seconds": "1"}, "extra.seconds: "),
        (lambda extra: extra | {"seconds": float("nan")}, "extra.seconds: "),
        (lambda extra: extra | {"machines": [1]}, "extra.machines.0: "),
        (lambda extra: extra | {"machines": {}}, "extra.machines: "),
        (lambda extra: extra | {"best_policy": None}, "a part of the best policy"),
        (lambda extra: extra | {"evaluation": extra["evaluation"] | {"best": None}}, "a part of the best policy"),
        (lambda extra: extra | {"more": 1}, "entries that are unknown or missing"),
        (lambda extra: extra | {"best_policy": extra["best_policy"] | {"samples": 1}}, "the best policy after 1 samp"),
    ],
)
def test_what_has_another_shape_is_told(
    found: Checkpoint, change: Callable[[dict[str, Any]], dict[str, Any]], got: str
) -> None:
    with pytest.raises(ArtifactError) as caught:
        extra.read(replace(found, state={"extra": change(found.state["extra"])}))
    assert str(caught.value).startswith(f"a checkpoint's counters are damaged — {found.path} — got {got}")
    assert str(caught.value).endswith(" — start from nothing with --resume never")


@pytest.mark.parametrize("weights", [b"", b"\x00" * 64])
def test_another_best_policy_than_the_described_one_is_told(found: Checkpoint, weights: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^a policy's weights are not those it describes — "):
        extra.read(replace(found, arrays={"best_policy": np.frombuffer(weights, np.uint8)}))
    with pytest.raises(ArtifactError, match=r"^a checkpoint's counters are damaged — .* — got a part of the best"):
        extra.read(replace(found, arrays={}))
