"""When checkpoints are written, and what they know besides the learner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint, saving
from mimicrl.training.checkpoint import Checkpoint
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.history import History, Offsets
from mimicrl.training.logs import JsonLines
from mimicrl.training.saving import Checkpoints, fresh


class _Saving:
    """A training of which only its checkpoints are real, and of those only when they are written; each 128 samples."""

    def __init__(self, run: RunDirectory) -> None:
        self.checkpoints = Checkpoints(run, 0, [{"CPU": "one"}])
        self.history = History(run, Offsets(0, 0), {}, print)
        self.model: Any = SimpleNamespace(num_timesteps=0)
        self.saved: list[tuple[int, dict[str, Any]]] = []

    def reach(self, samples: int) -> None:
        """Be at a boundary."""
        if self.checkpoints.due(samples):
            self.save(samples)

    def save(self, samples: int) -> None:
        self.model.num_timesteps = samples
        evaluations: Any = SimpleNamespace(state=EvaluationState(count=3), best_policy=None)
        self.checkpoints.save(self.model, evaluations, self.history, 7.0)

    def samples(self) -> list[int]:
        return [samples for samples, _ in self.saved]


@pytest.fixture
def saving_run(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Saving]:
    run: RunDirectory = prepare(tmp_path / "run", logging={"tensorboard": True})
    training = _Saving(run)

    def save(directory: Path, fingerprint: str, model: Any, extra: dict[str, Any], arrays: Any) -> None:
        assert fingerprint == run.fingerprint and arrays == {}
        (directory / f"step-{model.num_timesteps:012d}").mkdir(parents=True)
        training.saved.append((model.num_timesteps, extra))

    monkeypatch.setattr(saving.checkpoint, "save", save)
    yield training
    training.history.close()


def test_checkpoints_are_written_by_samples(saving_run: _Saving) -> None:
    for samples in (0, 64, 127, 128, 129, 255, 300, 300, 1000):
        saving_run.reach(samples)
    assert saving_run.samples() == [128, 300, 1000]


def test_checkpoints_are_written_by_time(saving_run: _Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "CHECKPOINT_SECONDS", -1.0)
    for samples in (1, 2, 2):
        saving_run.reach(samples)
    assert saving_run.samples() == [1, 2]


def test_a_checkpoint_of_now_is_not_written_again(saving_run: _Saving) -> None:
    for samples in (5, 5, 6, 6):
        saving_run.save(samples)
    assert saving_run.samples() == [5, 6]


def test_a_checkpoint_knows_the_files_and_the_time(saving_run: _Saving) -> None:
    saving_run.history.evaluations.append({"samples": 1})
    saving_run.history.logger.record("loss", 1.0)
    saving_run.history.logger.dump(128)
    saving_run.reach(128)
    extra, history = saving_run.saved[0][1], saving_run.history
    assert extra["offsets"] == {name: getattr(history, name).path.stat().st_size for name in ("metrics", "evaluations")}
    assert min(extra["offsets"].values()) > 0
    assert len(extra["tensorboard"]) == 1
    assert extra["tensorboard"] == history.tensorboard_lengths()
    assert extra["seconds"] == 7.0
    assert extra["evaluation"]["count"] == 3
    assert (extra["best_policy"], extra["machines"]) == (None, [{"CPU": "one"}])


def test_the_history_is_on_the_disk_before_the_checkpoint_that_knows_it(
    saving_run: _Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    save = checkpoint.save
    monkeypatch.setattr(JsonLines, "sync", lambda lines: calls.append(lines.path.name))
    monkeypatch.setattr(saving.checkpoint, "save", lambda *words: (calls.append("checkpoint"), save(*words)))
    saving_run.reach(128)
    assert calls == ["metrics.jsonl", "evaluations.jsonl", "checkpoint"]


@pytest.fixture
def found(trained_run: RunDirectory) -> Checkpoint:
    """The last checkpoint of a run, whose best policy it has."""
    found, _ = checkpoint.newest(trained_run.training_directory / "checkpoints", trained_run.fingerprint)
    assert found is not None
    return found


def test_what_a_checkpoint_knows_comes_back(found: Checkpoint, trained_run: RunDirectory) -> None:
    extra, best = saving.read(found)
    assert asdict(extra) == found.state["extra"]
    assert best is not None and extra.evaluation.best is not None
    assert extra.evaluation.best.as_json() == {
        key: tuple(value) if key == "score" else value
        for key, value in artifacts.read_json(trained_run.outcome_file)["best"].items()
    }
    published = Policy.load(trained_run.policy_directory("best"))
    assert (best.weights(), best.description()) == (published.weights(), published.description())


def test_a_training_without_an_evaluation_has_no_best_policy(found: Checkpoint) -> None:
    assert saving.read(replace(found, state={"extra": asdict(fresh())}, arrays={})) == (fresh(), None)


def lacking(extra: dict[str, Any]) -> list[dict[str, Any]]:
    """The same, each without one of its entries, at any depth."""
    found = []
    for key, value in extra.items():
        found.append({name: extra[name] for name in extra if name != key})
        if isinstance(value, dict) and key in ("evaluation", "offsets", "best", "summary"):
            found += [extra | {key: changed} for changed in lacking(value)]
    return found


def test_whatever_is_missing_is_told(found: Checkpoint) -> None:
    told = 0
    for extra in lacking(found.state["extra"]):
        with pytest.raises(ArtifactError, match=rf"^a checkpoint's counters are damaged — {found.path} — got "):
            saving.read(replace(found, state={"extra": extra}))
        told += 1
    assert told > 20


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
        saving.read(replace(found, state={"extra": change(found.state["extra"])}))
    assert str(caught.value).startswith(f"a checkpoint's counters are damaged — {found.path} — got {got}")
    assert str(caught.value).endswith(" — start from nothing with --resume never")


@pytest.mark.parametrize("weights", [b"", b"\x00" * 64])
def test_another_best_policy_than_the_described_one_is_told(found: Checkpoint, weights: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"^a policy's weights are not those it describes — "):
        saving.read(replace(found, arrays={"best_policy": np.frombuffer(weights, np.uint8)}))
    with pytest.raises(ArtifactError, match=r"^a checkpoint's counters are damaged — .* — got a part of the best"):
        saving.read(replace(found, arrays={}))
