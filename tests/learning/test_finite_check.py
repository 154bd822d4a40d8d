"""The finite check: what is not finite is refused before the normaliser has seen it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.envs.task import Task
from mimicrl.errors import TrainingDiverged
from mimicrl.learning.finite_check import FiniteCheckWrapper

COUNT, SIZE = 3, 5
NAMES, JOINTS = ("height", "pitch", "roll", "angle of knee", "speed"), ("hip", "knee")


class _Steps(DummyVecEnv):
    """Environments that return the step they are told."""

    def __init__(self) -> None:
        self.num_envs = COUNT
        self.observation_space = spaces.Box(-np.inf, np.inf, (SIZE,), np.float32)
        self.action_space = spaces.Box(-1, 1, (2,), np.float32)
        self.render_mode = None
        self.envs: list[Any] = [SimpleNamespace(render_mode=None)] * COUNT
        self.stepped = 0
        self.observation = np.ones((COUNT, SIZE), np.float32)
        self.reward = np.ones(COUNT, np.float32)

    def reset(self) -> np.ndarray:
        return self.observation

    def step_async(self, actions: np.ndarray) -> None:
        self.stepped += 1

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        return self.observation, self.reward, np.zeros(COUNT, bool), [{} for _ in range(COUNT)]


def statistics(normalizer: VecNormalize) -> list[np.ndarray]:
    parts = (normalizer.obs_rms, normalizer.ret_rms)
    return [np.array(value) for part in parts for value in (part.mean, part.var, part.count)] + [normalizer.returns]  # type: ignore[union-attr]


def test_finite_steps_pass_unchanged() -> None:
    environments = _Steps()
    environments.observation *= 7
    check = FiniteCheckWrapper(environments, NAMES, JOINTS)
    observation, reward, done, infos = check.step(np.full((COUNT, 2), 1e30, np.float32))
    assert np.all(observation == 7)
    assert np.all(reward == 1)
    assert not done.any()
    assert infos == [{}] * COUNT


@pytest.mark.fault(17)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("action", r"^an action is not finite — environment 1, hip — got {bad} — lower the learning rate"),
        (
            "observation",
            r"^an observation is not finite — environment 1, angle of knee — got {bad} — lower the learning rate",
        ),
        ("reward", r"^a reward is not finite — environment 1 — got {bad} — lower the learning rate"),
    ],
)
def test_what_is_not_finite_never_reaches_the_normaliser(what: str, message: str, bad: float) -> None:
    environments = _Steps()
    normalizer = VecNormalize(FiniteCheckWrapper(environments, NAMES, JOINTS))
    normalizer.reset()
    actions = np.zeros((COUNT, 2), np.float32)
    normalizer.step(actions)
    before, stepped = statistics(normalizer), environments.stepped
    if what == "action":
        actions[1] = bad  # of two, the first is named
    elif what == "observation":
        environments.observation[1, 3] = bad
    else:
        environments.reward[1] = bad
    with pytest.raises(TrainingDiverged, match=message.format(bad=bad)):
        normalizer.step(actions)
    for old, new in zip(before, statistics(normalizer), strict=True):
        np.testing.assert_array_equal(old, new)
    assert environments.stepped == stepped + (what != "action"), "a bad action must not move the simulations"


def test_a_simulation_that_breaks_down_ends_its_episode_and_not_the_training(prepare: Any, tmp_path: Path) -> None:
    environments = MimicVecEnv(Task.of_run(prepare(tmp_path / "run")).batch(2))
    check = FiniteCheckWrapper(environments, NAMES, JOINTS)
    check.reset()
    environments.batch.simulation.qvel[1, 7] = np.nan
    observation, reward, done, infos = check.step(np.zeros((2, 8), np.float32))
    assert done.tolist() == [False, True]
    assert infos[1]["mimic"]["reason"] == "diverged"
    for numbers in (observation, reward, infos[1]["terminal_observation"]):
        assert np.isfinite(np.asarray(numbers)).all()
    assert reward[1] == 0
