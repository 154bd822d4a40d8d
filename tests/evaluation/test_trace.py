"""A trace: every configuration an episode went through, whatever happened to the others."""

from __future__ import annotations

import numpy as np
import pytest

from mimicrl.config import MDPConfig
from mimicrl.envs.task import Task
from mimicrl.evaluation.rollout import Episodes, roll_out, start_phases
from mimicrl.evaluation.trace import Trace
from mimicrl.mdp.actions import Absolute
from mimicrl.mdp.terminations import DIVERGED, reasons

FALL = reasons(MDPConfig().terminations).index("fall")

COUNT, BROKEN, BREAKS = 6, 2, 7


class _Still:
    """Does nothing; one row's actions become senseless at some step."""

    def __init__(self) -> None:
        self._steps = 0

    def predict(self, observation: np.ndarray) -> np.ndarray:
        self._steps += 1
        actions = np.zeros((len(observation), 8), np.float32)
        if self._steps == BREAKS:
            actions[BROKEN : BROKEN + 1] = np.nan
        return actions


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of_gait(config=MDPConfig(action=Absolute()))


@pytest.fixture(scope="module")
def rolled(task: Task) -> tuple[Trace, Episodes]:
    trace = Trace()
    episodes = roll_out(_Still(), task.evaluation_batch(COUNT, 1.5), start_phases(COUNT), trace.watch)  # type: ignore[arg-type]
    assert {FALL, DIVERGED} <= set(episodes.reason.tolist())
    return trace, episodes


@pytest.mark.parametrize("row", range(COUNT))
def test_an_episode_is_there_from_its_first_step_to_its_last_finite_one(
    task: Task, rolled: tuple[Trace, Episodes], row: int
) -> None:
    trace, episodes = rolled
    episode = trace.episode(row)
    steps = round(float(episodes.duration_s[row]) * task.config.control_hz) - (row == BROKEN)
    assert episode.qpos.shape == (steps, task.walker.model.nq)
    assert np.isfinite(episode.qpos).all()
    assert episode.qpos[-1, 0] == episodes.distance_m[row]
    assert episode.qpos[-1, 1] == episodes.lateral_drift_m[row]
    step = 1 / (task.config.control_hz * task.reference.duration_s)
    expected = (episodes.start_phase[row] + step * np.arange(1, steps + 1)) % 1
    np.testing.assert_allclose(np.exp(2j * np.pi * episode.phase), np.exp(2j * np.pi * expected), atol=1e-9)


def test_an_episode_is_the_same_when_it_is_rolled_out_alone(task: Task, rolled: tuple[Trace, Episodes]) -> None:
    trace, _ = rolled
    alone = Trace()
    roll_out(_Still(), task.evaluation_batch(1, 1.5), start_phases(COUNT)[4:5], alone.watch)  # type: ignore[arg-type]
    for part, other in zip(alone.episode(0), trace.episode(4), strict=True):
        np.testing.assert_array_equal(part, other)


def test_nothing_is_known_of_an_episode_that_broke_at_once(task: Task) -> None:
    class Broken(_Still):
        def predict(self, observation: np.ndarray) -> np.ndarray:
            return np.full((len(observation), 8), np.nan)

    trace = Trace()
    assert trace.episode(0).phase.shape == (0,)
    roll_out(Broken(), task.evaluation_batch(2, 0.2), start_phases(2), trace.watch)  # type: ignore[arg-type]
    assert [len(part) for part in trace.episode(1)] == [0, 0]
