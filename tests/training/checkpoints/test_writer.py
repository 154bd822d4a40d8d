"""When checkpoints are written, and what they are told of history and time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mimicrl.runs import Run
from mimicrl.training.checkpoints import writer
from mimicrl.training.checkpoints.writer import CheckpointWriter
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.history import History, Offsets
from mimicrl.training.logs import JsonLines


class _Saving:
    """A training of which only its checkpoints are real, and of those only when they are written; each 128 samples."""

    def __init__(self, run: Run) -> None:
        self.checkpoints = CheckpointWriter(run, 0, [{"CPU": "one"}])
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
def saving(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Saving]:
    run: Run = prepare(tmp_path / "run", logging={"tensorboard": True})
    training = _Saving(run)

    def save(directory: Path, fingerprint: str, model: Any, extra: dict[str, Any], arrays: Any) -> None:
        assert fingerprint == run.fingerprint and arrays == {}
        (directory / f"step-{model.num_timesteps:012d}").mkdir(parents=True)
        training.saved.append((model.num_timesteps, extra))

    monkeypatch.setattr(writer.store, "save", save)
    yield training
    training.history.close()


def test_checkpoints_are_written_by_samples(saving: _Saving) -> None:
    for samples in (0, 64, 127, 128, 129, 255, 300, 300, 1000):
        saving.reach(samples)
    assert saving.samples() == [128, 300, 1000]


def test_checkpoints_are_written_by_time(saving: _Saving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_SECONDS", -1.0)
    for samples in (1, 2, 2):
        saving.reach(samples)
    assert saving.samples() == [1, 2]


def test_a_checkpoint_of_now_is_not_written_again(saving: _Saving) -> None:
    for samples in (5, 5, 6, 6):
        saving.save(samples)
    assert saving.samples() == [5, 6]


def test_a_checkpoint_knows_the_files_and_the_time(saving: _Saving) -> None:
    saving.history.evaluations.append({"samples": 1})
    saving.history.logger.record("loss", 1.0)
    saving.history.logger.dump(128)
    saving.reach(128)
    extra, history = saving.saved[0][1], saving.history
    assert extra["offsets"] == {name: getattr(history, name).path.stat().st_size for name in ("metrics", "evaluations")}
    assert min(extra["offsets"].values()) > 0
    assert len(extra["tensorboard"]) == 1
    assert extra["tensorboard"] == history.tensorboard_lengths()
    assert extra["seconds"] == 7.0
    assert extra["evaluation"]["count"] == 3
    assert (extra["best_policy"], extra["machines"]) == (None, [{"CPU": "one"}])


def test_the_history_is_on_the_disk_before_the_checkpoint_that_knows_it(
    saving: _Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    save = writer.store.save
    monkeypatch.setattr(JsonLines, "sync", lambda lines: calls.append(lines.path.name))
    monkeypatch.setattr(writer.store, "save", lambda *words: (calls.append("checkpoint"), save(*words)))
    saving.reach(128)
    assert calls == ["metrics.jsonl", "evaluations.jsonl", "checkpoint"]
