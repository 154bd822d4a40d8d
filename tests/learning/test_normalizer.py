"""The normaliser is Stable-Baselines3's, bit for bit: observations, rewards, terminal observations and statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from mimicrl.learning.normalizer import FastVecNormalize

COUNT, SIZE = 6, 5


class _Noise(DummyVecEnv):
    """Environments that return noise, with some numbers that are clipped, and end now and then."""

    def __init__(self) -> None:
        self.num_envs, self.metadata, self.render_mode = COUNT, {}, None
        self.observation_space = spaces.Box(-np.inf, np.inf, (SIZE,))
        self.action_space = spaces.Box(-1.0, 1.0, (2,))
        self._random = np.random.default_rng(3)

    def _rows(self) -> np.ndarray:
        return (self._random.standard_normal((COUNT, SIZE)) * [1, 10, 0.1, 0, 5]).astype(np.float32)

    def reset(self) -> np.ndarray:
        return self._rows()

    def step_async(self, actions: np.ndarray) -> None: ...

    def step_wait(self) -> Any:
        dones = self._random.random(COUNT) < 0.2
        infos: list[dict[str, Any]] = [{} for _ in range(COUNT)]
        for index in np.flatnonzero(dones)[:-1]:  # and one that does not tell
            infos[index]["terminal_observation"] = self._rows()[0]
        return self._rows(), self._random.standard_normal(COUNT).astype(np.float32), dones, infos

    def close(self) -> None: ...

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * COUNT


def flat(step: Any) -> list[bytes]:
    observations, rewards, dones, infos = step
    last = [info["terminal_observation"] for info in infos if "terminal_observation" in info]
    assert {array.dtype for array in (observations, rewards, *last)} == {np.dtype(np.float32)}
    return [array.tobytes() for array in (observations, rewards, dones, *last)]


@pytest.mark.parametrize("training", [True, False])
def test_it_is_stable_baselines3s_bit_for_bit(training: bool) -> None:
    ours, theirs = (
        kind(_Noise(), gamma=0.98, clip_obs=1.5, clip_reward=0.2) for kind in (FastVecNormalize, VecNormalize)
    )
    np.testing.assert_array_equal(ours.reset(), theirs.reset())
    actions = np.zeros((COUNT, 2))
    for step in range(200):
        if step == 100:
            ours.training = theirs.training = training
        assert flat(ours.step(actions)) == flat(theirs.step(actions))
        assert ours.returns.tobytes() == theirs.returns.tobytes()
        assert np.asarray(ours.old_obs).tobytes() == np.asarray(theirs.old_obs).tobytes()
        for name in ("obs_rms", "ret_rms"):
            for part in ("mean", "var", "count"):
                one, other = (np.asarray(getattr(getattr(model, name), part)) for model in (ours, theirs))
                assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes()), f"{name}.{part}"
    observations, rewards, *_ = ours.step(actions)
    assert np.abs(np.asarray(observations)).max() == 1.5, "the clip is tried"
    assert np.abs(rewards).max() == np.float32(0.2), "this one, too"
