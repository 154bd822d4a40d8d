"""When checkpoints are written, and what they are told of history and time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mimicrl.runs import Run
from mimicrl.training.checkpoints import snapshot, store, writer
from mimicrl.training.checkpoints.writer import CheckpointWriter
from mimicrl.training.evaluation import EvaluationState
from mimicrl.training.reporting.history import History, Offsets
from mimicrl.training.reporting.json_lines import JsonLines


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

    def save(directory: Path, fingerprint: str, samples: int, arrays: Any, state: dict[str, Any]) -> None:
        assert fingerprint == run.fingerprint
        assert arrays == {}
        store.place(directory, samples).mkdir(parents=True)
        training.saved.append((samples, state))

    monkeypatch.setattr(store, "save", save)
    monkeypatch.setattr(snapshot, "arrays", lambda _: {})
    monkeypatch.setattr(snapshot, "counters", lambda model: {"num_timesteps": model.num_timesteps})
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
    state, history = saving.saved[0][1], saving.history
    assert state["offsets"] == {name: getattr(history, name).path.stat().st_size for name in ("metrics", "evaluations")}
    assert min(state["offsets"].values()) > 0
    assert len(state["tensorboard"]) == 1
    assert state["tensorboard"] == history.tensorboard_lengths()
    assert state["seconds"] == 7.0
    assert state["evaluation"]["count"] == 3
    assert state["best_policy"] is None
    assert state["platforms"] == [{"CPU": "one"}]


def test_the_history_is_on_the_disk_before_the_checkpoint_that_knows_it(
    saving: _Saving, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    save = store.save
    monkeypatch.setattr(JsonLines, "sync", lambda lines: calls.append(lines.path.name))
    monkeypatch.setattr(store, "save", lambda *words: (calls.append("checkpoint"), save(*words)))
    saving.reach(128)
    assert calls == ["metrics.jsonl", "evaluations.jsonl", "checkpoint"]
