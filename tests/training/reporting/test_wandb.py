"""W&B: whatever it does, training completes with the same weights, and one warning is all that is heard of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stage_calls import train

from mimicrl.runs import Run
from mimicrl.training.reporting.wandb import WandbWriter

ROW: tuple[dict[str, Any], dict[str, Any]] = ({"loss": 0.5, "text": "x", "steps": 3}, {})


class _StandIn:
    """What the writer uses of W&B, and where it fails."""

    def __init__(self, place: str = "", problem: BaseException | None = None, *, has_key: bool = True) -> None:
        self.place, self.problem, self.has_key = place, problem, has_key
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.settings: dict[str, Any] = {}
        self.step, self.finished = 0, False

    def fail_at(self, place: str) -> None:
        if place == self.place and self.problem is not None:
            raise self.problem

    def login(self, **_: bool) -> bool:
        return self.has_key

    def init(self, **settings: Any) -> _StandIn:
        self.fail_at("init")
        self.settings = settings
        return self

    def log(self, row: dict[str, float], step: int) -> None:
        self.rows.append((step, row))
        self.step = step
        self.fail_at(f"row {len(self.rows)}")

    def finish(self) -> None:
        self.fail_at("finish")
        self.finished = True


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
    assert wandb.finished
    assert not warnings
    told = {"project": "mine", "mode": "offline", "name": "tiny-walk-seed1", "group": "tiny/walk"}
    assert told.items() <= wandb.settings.items()
    assert wandb.settings["config"]["training"]["n_envs"] == 4


@pytest.mark.parametrize(
    ("stand_in", "text"),
    [
        (_StandIn("init", RuntimeError("no login")), "RuntimeError: no login"),
        (_StandIn("row 2", OSError("network is down")), "OSError: network is down"),
        (_StandIn("finish", TimeoutError("Timed out\n finishing run.")), "TimeoutError: Timed out finishing run."),
        (_StandIn("finish", RuntimeError()), "RuntimeError: it gave no reason"),
        (_StandIn(has_key=False), "RuntimeError: no API key, see `wandb login`"),
        (None, "ModuleNotFoundError: import of wandb halted; None in sys.modules"),
    ],
)
def test_a_failure_is_one_warning_with_its_reason(tiny, tmp_path: Path, monkeypatch, stand_in: Any, text: str) -> None:
    use(monkeypatch, stand_in)
    warnings: list[str] = []
    writer = WandbWriter(tiny(logging={"wandb": "online"}), tmp_path, warnings.append)
    for step in range(20):
        writer.write(*ROW, step)
    writer.close()
    assert warnings == [f"warning: W&B is off for this run: {text}"]


def test_a_resumed_training_goes_on_in_its_run_without_a_doubled_or_missing_row(
    prepare, tmp_path: Path, monkeypatch
) -> None:
    wandb = use(monkeypatch, _StandIn())
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 256})
    train(run, cores=1)
    name = wandb.settings["id"]
    assert [step for step, _ in wandb.rows] == [128, 256]
    assert wandb.settings["resume"] == "allow"
    # What was sent last before the kill got lost, or the killed process had gone further than its checkpoint.
    for sent in (128, 256, 384):
        wandb = use(monkeypatch, _StandIn())
        wandb.step = sent + 1
        longer = prepare(run.path, logging={"wandb": "online"}, training={"total_timesteps": 512})
        train(longer, cores=1)
        assert wandb.settings["id"] == name
        assert [step for step, _ in wandb.rows] == [step for step in (128, 256, 384, 512) if step > sent]


def test_a_training_from_nothing_is_another_run_there(prepare, tmp_path: Path, monkeypatch) -> None:
    wandb = use(monkeypatch, _StandIn())
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 128})
    train(run, cores=1)
    name, wandb.step = wandb.settings["id"], 0
    train(run, resume="never", cores=1)
    assert wandb.settings["id"] != name
    assert [step for step, _ in wandb.rows] == [128, 128]


@pytest.mark.fault(38)
@pytest.mark.parametrize("stand_in", [_StandIn("init", RuntimeError("no login")), None])
def test_training_completes_with_a_broken_one(prepare, tmp_path: Path, monkeypatch, capsys, stand_in: Any) -> None:
    use(monkeypatch, stand_in)
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 128})
    assert train(run, cores=1).status == "completed"
    assert capsys.readouterr().err.count("W&B is off for this run") == 1


# Trains with less patience; the real W&B lives in a process that nobody else uses.
TRAIN = """
import sys
from pathlib import Path
from mimicrl.stages.train import train
from mimicrl.training.reporting import wandb
wandb._INIT_SECONDS = 1.0
train(Path(sys.argv[1]), cores=1)
"""


def weights_and_words(run: Run, **variables: str) -> tuple[bytes, str]:
    """Train in a process of its own; return the final weights and what was said."""
    pytest.importorskip("wandb")
    environment = os.environ | {"WANDB_API_KEY": 40 * "a"} | variables
    done = subprocess.run([sys.executable, "-c", TRAIN, str(run.path)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (run.policy_directory("final") / "policy.safetensors").read_bytes(), done.stderr


@pytest.mark.fault(38)
def test_a_server_that_accepts_and_never_answers_costs_one_warning(prepare, tmp_path: Path) -> None:
    train(without := prepare(tmp_path / "without", training={"total_timesteps": 128}), cores=1)
    run = prepare(tmp_path / "run", logging={"wandb": "online"}, training={"total_timesteps": 128})
    with socket.create_server(("127.0.0.1", 0)) as server:
        weights, said = weights_and_words(run, WANDB_BASE_URL=f"http://127.0.0.1:{server.getsockname()[1]}")
    assert weights == (without.policy_directory("final") / "policy.safetensors").read_bytes()
    (line,) = [line for line in said.splitlines() if "W&B" in line or "wandb" in line]
    assert line.startswith("warning: W&B is off for this run: CommError: Failed to get resume status")
    assert "deadline exceeded" in line


@pytest.mark.fault(38)
def test_offline_it_keeps_a_file_and_says_nothing(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", logging={"wandb": "offline"}, training={"total_timesteps": 128})
    _, said = weights_and_words(run)
    assert "W&B" not in said
    assert "wandb:" not in said
    assert len(list(run.training.path.glob("wandb/wandb/offline-run-*/run-*.wandb"))) == 1
