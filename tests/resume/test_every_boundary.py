"""Killed and continued at every rollout boundary, each time in a new process, a training ends with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Prepare, assert_same, attempts, finish, kill, saved
from stage_calls import train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mimicrl.runs import Run

ROLLOUT = 64
# Kinds of trainings, each with its budget: environments in processes of their own take long to start.
KINDS: dict[str, tuple[dict[str, str], int]] = {
    "fast": ({}, 512),
    "subproc": ({"vec_env": "subproc"}, 256),
    "sb3": ({"update": "sb3"}, 256),
}


def changes(kind: str = "fast") -> dict[str, Any]:
    training, budget = KINDS[kind]
    return {
        "training": {"n_envs": 2, "total_timesteps": budget, "save_freq": ROLLOUT, **training},
        "evaluation": {"eval_freq": 2 * ROLLOUT},
        "logging": {"tensorboard": True},
    }


def curves(run: Run) -> dict[str, list[tuple[int, float]]]:
    """The points of TensorBoard's curves, as TensorBoard reads them, but those of the clock."""
    events = EventAccumulator(str(run.tensorboard_directory), size_guidance={"scalars": 0}).Reload()
    names = [name for name in events.Tags()["scalars"] if not name.startswith("time/")]
    return {name: [(point.step, point.value) for point in events.Scalars(name)] for name in names}


@pytest.mark.fault(1, 54)
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_boundary_and_continued(prepare: Prepare, tmp_path: Path, kind: str) -> None:
    whole, run = (prepare(tmp_path / name, **changes(kind)) for name in ("whole", "run"))
    train(whole, cores=1)
    _, budget = KINDS[kind]
    boundaries = list(range(0, budget, ROLLOUT))
    for begin in boundaries[:-1]:
        # It saves at the next boundary and dies at the one after that, when all is written there but the checkpoint.
        kill(run, "checkpoint.tensors:kill:2")
        assert saved(run)[-1] == begin + ROLLOUT
    kill(run, "train.finished:kill")
    finish(run, "--resume", "must")
    killed = [(begin, begin + ROLLOUT, "killed") for begin in boundaries]
    assert attempts(run)[:-2] == killed[:-1]
    assert [attempt[:2] for attempt in attempts(run)[-2:]] == [killed[-1][:2], (budget, budget)]
    assert attempts(run)[-1][2] == "completed"
    assert_same(run, whole)
    points = curves(run)
    assert points == curves(whole)
    assert [step for step, _ in points["train/loss"]] == [*boundaries[1:], budget]


def test_killed_with_evaluations_under_way_beside_and_continued(prepare: Prepare, tmp_path: Path) -> None:
    settings = changes()
    # Long enough for a process of its own, where there are threads for one; checkpoints then wait for it.
    settings["evaluation"] |= {"episodes": 20, "seconds": 5.0}
    whole, run = (prepare(tmp_path / name, **settings) for name in ("whole", "run"))
    train(whole, cores=1)
    for place in ("collected:kill:4", "evaluated:kill", "rollout:kill:3", "evaluated:kill:2", "finished:kill"):
        kill(run, f"train.{place}", "--cores", "2")
    finish(run, "--cores", "2")
    assert_same(run, whole)
    assert curves(run) == curves(whole)
