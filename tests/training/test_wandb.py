"""W&B: whatever it does, training is neither stopped nor delayed, and one warning is all that is heard of it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mimicrl.training import train as training
from mimicrl.training import wandb as module
from mimicrl.training.wandb import WandbWriter

ROW: tuple[dict[str, Any], dict[str, Any]] = ({"loss": 0.5, "text": "x", "steps": 3}, {})


class _StandIn(SimpleNamespace):
    """What the writer uses of W&B."""

    def __init__(self) -> None:
        super().__init__(rows=[], settings={}, finished=False, step=0, release=threading.Event())

    def init(self, **settings: Any) -> _StandIn:
        self.settings = settings
        return self

    def log(self, row: dict[str, float], step: int) -> None:
        self.rows.append((step, row))
        self.step = step

    def finish(self) -> None:
        self.finished = True


class _RaisesAtOnce(_StandIn):
    def init(self, **_: Any) -> _StandIn:
        raise RuntimeError("no login")


class _RaisesLater(_StandIn):
    def log(self, row: dict[str, float], step: int) -> None:
        super().log(row, step)
        if len(self.rows) == 2:
            raise OSError("network is down")


class _Hangs(_StandIn):
    def init(self, **_: Any) -> _StandIn:
        self.release.wait()
        return self


def use(monkeypatch: pytest.MonkeyPatch, stand_in: Any) -> Any:
    monkeypatch.setitem(sys.modules, "wandb", stand_in)
    return stand_in


def test_rows_arrive_in_order_with_the_run_they_belong_to(tiny, tmp_path: Path, monkeypatch) -> None:
    wandb, warnings = use(monkeypatch, _StandIn()), []
    config = tiny(logging={"wandb": "offline", "wandb_project": "mine"})
    writer = WandbWriter(config, tmp_path / "wandb", warnings.append)
    for step in range(5):
        writer.write(*ROW, step)
    writer.close()
    assert wandb.rows == [(step, {"samples": step, "loss": 0.5, "steps": 3.0}) for step in range(5)]
    assert wandb.finished and not warnings
    assert (wandb.settings["project"], wandb.settings["mode"]) == ("mine", "offline")
    assert (wandb.settings["name"], wandb.settings["group"]) == ("tiny-walk-seed1", "tiny/walk")
    assert wandb.settings["config"]["training"]["n_envs"] == 4


@pytest.mark.parametrize(
    ("stand_in", "text"),
    [
        (_RaisesAtOnce(), "W&B is off for this run: RuntimeError: no login"),
        (_RaisesLater(), "W&B is off for this run: OSError: network is down"),
        (None, "W&B is off for this run: ModuleNotFoundError"),
    ],
)
def test_a_failure_is_one_warning(tiny, tmp_path: Path, monkeypatch, stand_in: Any, text: str) -> None:
    use(monkeypatch, stand_in)
    warnings: list[str] = []
    writer = WandbWriter(tiny(logging={"wandb": "online"}), tmp_path, warnings.append)
    for step in range(20):
        writer.write(*ROW, step)
    writer.close()
    assert len(warnings) == 1 and warnings[0].startswith(text)


def test_one_that_hangs_blocks_neither_writing_nor_closing(tiny, tmp_path: Path, monkeypatch) -> None:
    wandb = use(monkeypatch, _Hangs())
    monkeypatch.setattr(module, "_CLOSE_SECONDS", 0.05)
    writer = WandbWriter(tiny(logging={"wandb": "online"}), tmp_path, lambda _: None)

    def work() -> None:
        for step in range(10_500):  # more than the queue holds
            writer.write(*ROW, step)
        writer.close()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    worker.join(30)
    assert not worker.is_alive()
    assert writer._thread.daemon, "a hanging thread must not keep the process alive"
    while not writer._queue.empty():  # let the thread end
        writer._queue.get_nowait()
    writer._queue.put(None)
    wandb.release.set()
    writer._thread.join(10)


def test_a_resumed_training_goes_on_in_its_run_without_a_doubled_or_missing_row(
    prepare, tmp_path: Path, monkeypatch
) -> None:
    wandb = use(monkeypatch, _StandIn())
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 256})
    training.train(run, cores=1)
    name = wandb.settings["id"]
    assert [step for step, _ in wandb.rows] == [128, 256] and wandb.settings["resume"] == "allow"
    # What was sent last before the kill got lost, or the killed process had gone further than its checkpoint.
    for sent in (128, 256, 384):
        wandb = use(monkeypatch, _StandIn())
        wandb.step = sent + 1
        longer = prepare(run.path, logging={"wandb": "online"}, training={"total_timesteps": 512})
        training.train(longer, cores=1)
        assert wandb.settings["id"] == name
        assert [step for step, _ in wandb.rows] == [step for step in (128, 256, 384, 512) if step > sent]


def test_a_training_from_nothing_is_another_run_there(prepare, tmp_path: Path, monkeypatch) -> None:
    wandb = use(monkeypatch, _StandIn())
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 128})
    training.train(run, cores=1)
    name, wandb.step = wandb.settings["id"], 0
    training.train(run, resume="never", cores=1)
    assert wandb.settings["id"] != name and [step for step, _ in wandb.rows] == [128, 128]


@pytest.mark.parametrize("stand_in", [_RaisesAtOnce(), None])
def test_training_completes_with_a_broken_one(prepare, tmp_path: Path, monkeypatch, capsys, stand_in: Any) -> None:
    use(monkeypatch, stand_in)
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 128})
    assert training.train(run, cores=1).status == "completed"
    assert capsys.readouterr().err.count("W&B is off for this run") == 1


def test_disabled_does_not_touch_it(prepare, tmp_path: Path, monkeypatch) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"wandb.{name} was used")

    use(monkeypatch, Untouchable())
    run = prepare(tmp_path / "run", training={"total_timesteps": 128})
    assert training.train(run, cores=1).status == "completed"
    assert not (run.training_directory / "wandb").exists()
