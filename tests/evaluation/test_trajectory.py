"""A trajectory: every configuration an episode went through, whatever happened to the others."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation.acting import REASONS, STILL, Acts, roll, starts

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


def test_an_episode_is_the_same_when_it_is_rolled_out_alone(
    task: Task, rolled: tuple[TrajectoryRecorder, Episodes]
) -> None:
    alone = TrajectoryRecorder()
    roll(task, phases=starts(COUNT)[4:5], watch=alone.watch)
    for part, other in zip(alone.trajectory(0), rolled[0].trajectory(4), strict=True):
        np.testing.assert_array_equal(part, other)


def test_nothing_is_known_of_an_episode_that_broke_at_once(task: Task) -> None:
    recorder = TrajectoryRecorder()
    assert recorder.trajectory(0).phase.shape == (0,)
    roll(task, Acts(np.nan), phases=starts(2), seconds=0.2, watch=recorder.watch)
    assert [len(part) for part in recorder.trajectory(1)] == [0, 0]
