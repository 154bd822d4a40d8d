from __future__ import annotations

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from benchmarks import lean_env
from benchmarks.lean_env import LeanEnv
from mimicrl.config import MDPConfig
from mimicrl.envs.task import Task


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of_gait(config=MDPConfig(control_hz=100))


@pytest.mark.filterwarnings("ignore:.*observation space.*:UserWarning")
def test_it_is_an_environment(task: Task) -> None:
    check_env(LeanEnv(task), skip_render_check=True)


def test_it_simulates_what_the_project_does(task: Task) -> None:
    env = LeanEnv(task)
    env.reset(seed=1)
    before = env.data.time
    env.step(np.zeros(task.walker.model.nu))
    assert env.data.time - before == pytest.approx(1.0 / task.config.control_hz)
    targets = task.reference.at_phase(np.arange(1000) / 1000).joint_angles_rad
    assert (targets == env.data.ctrl).all(axis=1).any()
    assert env.action_space.shape == task.env().action_space.shape


def test_without_actions_it_follows_the_reference_until_it_falls(task: Task) -> None:
    env = lean_env.make(task)
    env.reset(seed=1)
    rewards, fallen, late, info = [], False, False, {}
    while not (fallen or late):
        _, reward, fallen, late, info = env.step(np.zeros(task.walker.model.nu))
        rewards.append(float(reward))
    assert fallen and not late and info["episode"]["l"] == len(rewards)
    assert rewards[0] > 0.95 and all(0.0 < reward <= 1.0 for reward in rewards)
