"""Killed and continued at every rollout boundary, each time in a new process, a training ends with the same bits."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Trainer, assert_same, checkpoints, start
from stage_calls import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mimicrl.runs import Run
from mimicrl.training.logs import read_json_lines

ROLLOUT, BUDGET = 64, 512
BOUNDARIES = list(range(0, BUDGET, ROLLOUT))


def changes(**training: str) -> dict[str, Any]:
    return {
        "training": {"n_envs": 2, "total_timesteps": BUDGET, "save_freq": ROLLOUT, **training},
        "evaluation": {"eval_freq": 2 * ROLLOUT},
        "logging": {"tensorboard": True},
    }


def curves(run: Run) -> dict[str, list[tuple[int, float]]]:
    """The points of TensorBoard's curves, as TensorBoard reads them, but those of the clock."""
    events = EventAccumulator(str(run.tensorboard_directory), size_guidance={"scalars": 0}).Reload()
    names = [name for name in events.Tags()["scalars"] if not name.startswith("time/")]
    return {name: [(point.step, point.value) for point in events.Scalars(name)] for name in names}


def end(trainer: Trainer, code: int) -> None:
    assert trainer.end()[0] == code, trainer.end()[1]


@pytest.mark.fault(1, 54)
@pytest.mark.parametrize("training", [{}, {"vec_env": "dummy"}, {"vec_env": "subproc"}, {"update": "sb3"}], ids=str)
def test_killed_at_every_boundary_and_continued(
    prepare: Callable[..., Run], tmp_path: Path, training: dict[str, str]
) -> None:
    whole, run = (prepare(tmp_path / name, **changes(**training)) for name in ("whole", "run"))
    train(whole, cores=1)
    for begin in BOUNDARIES[:-1]:
        # It saves at the next boundary and dies at the one after that, when all is written there but the checkpoint.
        end(start(run, fault="checkpoint.tensors:kill:2"), -signal.SIGKILL)
        assert int(checkpoints(run)[-1].name[5:]) == begin + ROLLOUT
    end(start(run, fault="train.finished:kill"), -signal.SIGKILL)
    end(start(run, "--resume", "must"), 0)
    attempts = read_json_lines(run.training.attempts_file)
    assert [row["from"] for row in attempts] == [*BOUNDARIES, BUDGET]
    assert [row["to"] for row in attempts] == [*BOUNDARIES[1:], BUDGET, BUDGET]
    assert [row["why"] for row in attempts[:7]] == ["killed"] * 7
    assert attempts[-1]["why"] == "completed"
    assert_same(run, whole)
    points = curves(run)
    assert points == curves(whole)
    assert [step for step, _ in points["train/loss"]] == [*BOUNDARIES[1:], BUDGET]


def test_killed_with_evaluations_under_way_beside_and_continued(prepare: Callable[..., Run], tmp_path: Path) -> None:
    settings = changes()
    # Long enough for a process of its own, where there are threads for one; checkpoints then wait for it.
    settings["evaluation"] |= {"episodes": 20, "seconds": 5.0}
    whole, run = (prepare(tmp_path / name, **settings) for name in ("whole", "run"))
    train(whole, cores=1)
    places = ("collected:kill:4", "evaluated:kill", "rollout:kill:3", "evaluated:kill:2", "finished:kill")
    for place in places:
        end(start(run, "--cores", "2", fault=f"train.{place}"), -signal.SIGKILL)
    end(start(run, "--cores", "2"), 0)
    assert_same(run, whole)
    assert curves(run) == curves(whole)
