"""A task is the same whether it comes from a run's directory or is put together in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mimicrl.config import MDPConfig
from mimicrl.envs.task import Task, make_env
from mimicrl.runs import Run


@pytest.mark.parametrize(("action", "actuation"), [("residual", "position"), ("torque", "torque")])
def test_a_runs_task_is_the_one_of_its_configuration(
    prepare: Callable[..., Run], tmp_path: Path, action: str, actuation: str
) -> None:
    run = prepare(tmp_path / "run", mdp={"action": {"kind": action}, "control_hz": 100}, motion={"speed_mps": 1.1})
    config = MDPConfig.model_validate({"action": {"kind": action}, "control_hz": 100})
    loaded, made = Task.of_run(run), Task.of_gait(1.1, config)
    assert loaded.config == made.config == run.config.mdp
    assert loaded.walker.actuation == made.walker.actuation == actuation
    observations = []
    for task in (loaded, made):
        batch = task.batch(3)
        batch.seed([1, 2, 3])
        batch.reset()
        for _ in range(5):
            observations.append(batch.step(np.full((3, 8), 0.1)).observation)
    np.testing.assert_array_equal(observations[:5], observations[5:])


def test_an_evaluation_heeds_its_own_time_and_no_tracking() -> None:
    task = Task.of_gait(config=MDPConfig(episode_seconds=0.04))
    reasons = []
    for batch in (task.batch(1), task.evaluation_batch(1, seconds=0.06)):
        batch.reset(phase=np.array([0.1]))
        batch.simulation.qpos[0, 3:7] = [np.cos(1.0), 0, 0, np.sin(1.0)]  # turned away
        reasons.append([batch.reasons[batch.step(np.zeros((1, 8))).reason[0]] for _ in range(3)])
    assert reasons == [["tracking"] * 3, ["running", "running", "time"]]


@pytest.mark.parametrize("speed_mps", [0.9, 1.25, 1.8])
def test_the_registered_environment_walks_at_the_asked_speed(speed_mps: float) -> None:
    environment = make_env(speed_mps, control_hz=100, mirroring="none")
    assert environment.batch.reference.speed_mps == pytest.approx(speed_mps)
    assert environment.batch.config == MDPConfig(control_hz=100, mirroring="none")
    assert environment.metadata["render_fps"] == 100


@pytest.mark.parametrize("wrong", [{"control_herz": 50}, {"action": "magic"}, {"episode_seconds": -1.0}], ids=str)
def test_a_wrong_field_of_the_configuration_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        make_env(**wrong)
