"""A trajectory: every configuration an episode went through, whatever happened to the others."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation.acting import REASONS, STILL, Acts, roll

from mimicrl.envs.task import Task
from mimicrl.evaluation.rollout import Episodes
from mimicrl.evaluation.trajectory import TrajectoryRecorder
from mimicrl.mdp.terminations import DIVERGED

COUNT, BROKEN, BREAKS = 6, 2, 7


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of_gait(config=STILL)


@pytest.fixture(scope="module")
def rolled(task: Task) -> tuple[TrajectoryRecorder, Episodes]:
    recorder = TrajectoryRecorder()
    episodes = roll(task, Acts(spoilt={BREAKS - 1: [BROKEN]}), watch=recorder.watch)
    assert {REASONS.index("fall"), DIVERGED} <= set(episodes.reason.tolist())
    return recorder, episodes


@pytest.mark.parametrize("row", range(COUNT))
def test_an_episode_is_there_from_its_first_step_to_its_last_finite_one(
    task: Task, rolled: tuple[TrajectoryRecorder, Episodes], row: int
) -> None:
    recorder, episodes = rolled
    qpos, phase = recorder.trajectory(row)
    steps = round(float(episodes.duration_s[row]) * task.config.control_hz) - (row == BROKEN)
    assert qpos.shape == (steps, task.walker.model.nq)
    assert np.isfinite(qpos).all()
    assert qpos[-1, 0] == episodes.distance_m[row]
    assert qpos[-1, 1] == episodes.lateral_drift_m[row]
    step = 1 / (task.config.control_hz * task.reference.duration_s)
    expected = (episodes.start_phase[row] + step * np.arange(1, steps + 1)) % 1
    np.testing.assert_allclose(np.exp(2j * np.pi * phase), np.exp(2j * np.pi * expected), atol=1e-9)
