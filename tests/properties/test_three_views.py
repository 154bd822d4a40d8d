"""The three views of the environment, and a plain loop over `mj_step`, give the same bits."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import mujoco
import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from mimicrl.config import MDPConfig
from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.envs.task import Task, make_env
from mimicrl.errors import ConfigError
from mimicrl.mdp.step import MimicBatch

STEPS, COUNT, SEED = 500, 3, 2**31

RESIDUAL = {"action": {"kind": "residual"}, "control_hz": 50, "episode_seconds": 0.8}
TORQUE = {"action": {"kind": "torque"}, "control_hz": 200, "episode_seconds": 0.25}
SETTINGS = [
    pytest.param(control | {"mirroring": mirroring}, id=f"{control['action']}-{mirroring}")
    for control, mirroring in itertools.product([RESIDUAL, TORQUE], ["phase", "none"])
]


class StepLoop:
    """The oracle: the interface of `BatchSimulation` on one `MjData` a simulation and MuJoCo's plain `mj_step`."""

    def __init__(self, model: mujoco.MjModel, count: int) -> None:
        self._model = model
        self._data = [mujoco.MjData(model) for _ in range(count)]
        self.qpos = np.zeros((count, model.nq))
        self.qvel = np.zeros((count, model.nv))
        self.ctrl = np.zeros((count, model.nu))
        self.site_xpos = np.zeros((count, model.nsite, 3))

    def step(self, substeps: int, ids: np.ndarray | None = None) -> list[int]:
        for row in range(len(self._data)) if ids is None else ids:
            data = self._data[row]
            data.qpos, data.qvel, data.ctrl = self.qpos[row], self.qvel[row], self.ctrl[row]
            for _ in range(substeps):
                mujoco.mj_step(self._model, data)
            mujoco.mj_kinematics(self._model, data)
            self.qpos[row], self.qvel[row], self.site_xpos[row] = data.qpos, data.qvel, data.site_xpos
        return []

    def reset(self, ids: np.ndarray, qpos: np.ndarray, qvel: np.ndarray) -> None:
        for row in ids:
            mujoco.mj_resetData(self._model, self._data[row])
        self.qpos[ids], self.qvel[ids], self.ctrl[ids] = qpos, qvel, 0.0

    def sites(self, qpos: np.ndarray) -> np.ndarray:
        positions = np.empty((len(qpos), self._model.nsite, 3))
        for row, configuration in enumerate(qpos):
            data = mujoco.MjData(self._model)
            data.qpos = configuration
            mujoco.mj_forward(self._model, data)
            positions[row] = data.site_xpos
        return positions


class Rollout(NamedTuple):
    """All that a vector environment told in some steps; `episodes` has one row per episode that ended."""

    observations: np.ndarray
    rewards: np.ndarray
    dones: np.ndarray
    terminal_observations: np.ndarray
    episodes: list[dict[str, Any]]
    returns: np.ndarray


def reset(environment: VecEnv) -> np.ndarray:
    observation = environment.reset()
    assert isinstance(observation, np.ndarray)
    return observation.copy()


def roll_out(environment: VecEnv, steps: int = STEPS) -> Rollout:
    """Step through random actions, weak at times so that some episodes reach the time limit."""
    rng = np.random.default_rng(SEED)
    environment.seed(SEED)
    observations, rewards, dones = [reset(environment)], [], []
    episodes: list[dict[str, Any]] = []
    terminal, returns = [], []
    for step in range(steps):
        strength = 1.0 if step % 200 < 120 else 0.1
        actions = rng.uniform(-strength, strength, (environment.num_envs, 8)).astype(np.float32)
        observation, reward, done, infos = environment.step(actions)
        assert isinstance(observation, np.ndarray)
        observations.append(observation.copy())
        rewards.append(reward.copy())
        dones.append(done.copy())
        for index in np.flatnonzero(done):
            info = infos[index]
            terminal.append(info["terminal_observation"])
            returns.append(info["episode"]["r"])
            end = {"index": index, "length": info["episode"]["l"], "truncated": info["TimeLimit.truncated"]}
            episodes.append(end | info["mimic"])
    environment.close()
    return Rollout(*map(np.stack, (observations, rewards, dones, terminal)), episodes, np.array(returns))  # type: ignore[arg-type]


def assert_same(left: Rollout, right: Rollout) -> None:
    for name in ("observations", "rewards", "dones", "terminal_observations"):
        assert np.array_equal(getattr(left, name), getattr(right, name)), name
    assert left.episodes == right.episodes
    # Stable-Baselines3's Monitor adds up in its own way before it rounds to six digits.
    np.testing.assert_allclose(left.returns, right.returns, rtol=0, atol=2e-6)


@pytest.fixture(params=SETTINGS, scope="module")
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param


@pytest.fixture(scope="module")
def task(settings: dict[str, Any]) -> Task:
    return Task.of_gait(config=MDPConfig(**settings))


@pytest.fixture(scope="module")
def expected(task: Task) -> Rollout:
    """The rollout of the fast view on one thread."""
    return roll_out(MimicVecEnv(task.batch(COUNT)))


def test_environments_differ_and_episodes_end_for_different_reasons(expected: Rollout) -> None:
    assert {episode["reason"] for episode in expected.episodes} >= {"time", "tracking"}
    assert {episode["index"] for episode in expected.episodes} == set(range(COUNT))
    assert {episode["truncated"] for episode in expected.episodes} == {True, False}
    assert len({row.tobytes() for row in expected.observations[0]}) == COUNT, "the environments differ"


def _two_threads(task: Task) -> VecEnv:
    return MimicVecEnv(task.batch(COUNT, threads=2))


def _plain_loop(task: Task) -> VecEnv:
    loop = StepLoop(task.walker.model, COUNT)
    return MimicVecEnv(MimicBatch(task.walker, task.reference, task.config, COUNT, simulation=loop))  # type: ignore[arg-type]


def _one_by_one(task: Task) -> VecEnv:
    return DummyVecEnv([lambda: Monitor(task.env())] * COUNT)


@pytest.mark.parametrize("make", [_two_threads, _plain_loop, _one_by_one])
def test_other_ways_to_step_give_the_same_bits(make: Callable[[Task], VecEnv], task: Task, expected: Rollout) -> None:
    assert_same(roll_out(make(task)), expected)


def test_another_engine_is_not_copied_as_if_it_were_mujocos(task: Task) -> None:
    loop = StepLoop(task.walker.model, 1)
    batch = MimicBatch(task.walker, task.reference, task.config, 1, simulation=loop)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^only MuJoCo's batch can be copied, got StepLoop$"):
        copy.deepcopy(batch)


def test_the_options_of_a_reset_are_used_once_in_each_view(task: Task) -> None:
    views = [make(task) for make in (_two_threads, _one_by_one)]
    resets = []
    for view in views:
        view.seed(SEED)
        view.set_options([{"phase": 0.25}, *[{}] * (COUNT - 1)])
        resets.append([reset(view), reset(view)])
        view.set_options({"phse": 0.25})
        with pytest.raises(ConfigError, match=r"^a reset has no such option — 'phse' — "):
            view.reset()
        view.close()
    np.testing.assert_array_equal(*resets)
    assert not np.array_equal(resets[0][0][0], resets[0][1][0])


@pytest.mark.parametrize("settings", [SETTINGS[0], SETTINGS[3]], indirect=True)
def test_the_classic_stack_in_processes_gives_the_same_bits(settings: dict[str, Any], task: Task) -> None:
    classic = SubprocVecEnv([lambda: Monitor(make_env(**settings))] * 2)
    assert_same(roll_out(classic, 200), roll_out(MimicVecEnv(task.batch(2)), 200))
