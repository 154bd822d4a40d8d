"""Every wrapper of Gymnasium that needs no screen takes the environment, through the ends of several episodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.wrappers import vector

import mimicrl.envs  # noqa: F401  registers the environment

NAME = "mimicrl/Walker3D-v0"
SHORT: dict[str, Any] = {"episode_seconds": 0.1}  # five steps

SIZE = gymnasium.make(NAME).observation_space.shape[0]  # type: ignore[index]
ANYTHING = gymnasium.spaces.Box(-np.inf, np.inf, (SIZE,), np.float32)

Wrap = Callable[[gymnasium.Env], gymnasium.Env]
WRAPS: dict[str, Wrap] = {
    "DelayObservation": lambda env: wrappers.DelayObservation(env, 2),
    "DtypeObservation": lambda env: wrappers.DtypeObservation(env, np.float64),
    "DiscretizeObservation": lambda env: wrappers.DiscretizeObservation(bounded(env), 3, multidiscrete=True),
    "FlattenObservation": wrappers.FlattenObservation,
    "FrameStackObservation": lambda env: wrappers.FrameStackObservation(env, 3),
    "TransformObservation": lambda env: wrappers.TransformObservation(env, np.negative, ANYTHING),
    "MaxAndSkipObservation": wrappers.MaxAndSkipObservation,
    "NormalizeObservation": wrappers.NormalizeObservation,
    "AddRenderObservation": lambda env: wrappers.AddRenderObservation(env),
    "ReshapeObservation": lambda env: wrappers.ReshapeObservation(env, (1, SIZE)),
    "RescaleObservation": lambda env: wrappers.RescaleObservation(bounded(env), np.float32(-1), np.float32(1)),
    "TimeAwareObservation": lambda env: wrappers.TimeAwareObservation(wrappers.TimeLimit(env, 4)),
    "ClipAction": wrappers.ClipAction,
    "DiscretizeAction": lambda env: wrappers.DiscretizeAction(env, 3, multidiscrete=True),
    "TransformAction": lambda env: wrappers.TransformAction(env, np.negative, env.action_space),
    "RescaleAction": lambda env: wrappers.RescaleAction(env, np.float32(-2), np.float32(2)),
    "StickyAction": lambda env: wrappers.StickyAction(env, 0.5),
    "RepeatAction": lambda env: wrappers.RepeatAction(env, 2),
    "ClipReward": lambda env: wrappers.ClipReward(env, 0, 0.5),
    "TransformReward": lambda env: wrappers.TransformReward(env, lambda reward: 2 * float(reward)),
    "NormalizeReward": wrappers.NormalizeReward,
    "TimeLimit": lambda env: wrappers.TimeLimit(env, 3),
    "Autoreset": wrappers.Autoreset,
    "PassiveEnvChecker": wrappers.PassiveEnvChecker,
    "OrderEnforcing": wrappers.OrderEnforcing,
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "RenderCollection": lambda env: wrappers.RenderCollection(env),
}
LEFT_OUT = {
    "vector": "a module",
    "AtariPreprocessing": "of Atari",
    "FilterObservation": "of dictionaries",
    "GrayscaleObservation": "of pictures",
    "ResizeObservation": "of pictures",
    "AddWhiteNoise": "of pictures",
    "ObstructView": "of pictures",
    "RecordVideo": "needs moviepy",
    "HumanRendering": "needs a screen",
    "ArrayConversion": "needs array-api-compat",
    "JaxToNumpy": "needs JAX",
    "JaxToTorch": "needs JAX",
    "NumpyToTorch": "needs array-api-compat",
}


def bounded(env: gymnasium.Env) -> gymnasium.Env:
    """The environment with bounds on its observations, without which these wrappers refuse any environment."""
    space = gymnasium.spaces.Box(-10, 10, (SIZE,), np.float32)
    return wrappers.TransformObservation(env, lambda observation: np.clip(observation, -10, 10), space)


def test_no_wrapper_is_forgotten() -> None:
    assert WRAPS.keys() | LEFT_OUT.keys() == set(wrappers.__all__)
    assert not WRAPS.keys() & LEFT_OUT.keys()


@pytest.mark.parametrize("name", WRAPS)
def test_a_wrapper_takes_the_environment(name: str) -> None:
    pictures = "rgb_array" if "Render" in name else None
    env = WRAPS[name](gymnasium.make(NAME, render_mode=pictures, disable_env_checker=True, **SHORT))
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    ends, steps = 0, 0
    while ends < 2:
        assert env.observation_space.contains(observation)
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert np.isfinite(float(reward))
        steps += 1
        if terminated or truncated:
            ends += 1
            if name != "Autoreset":
                observation, _ = env.reset()
    assert 2 <= steps <= 12
    env.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_gymnasiums_vectors_and_their_statistics_take_it(kind: Any) -> None:
    env = vector.RecordEpisodeStatistics(gymnasium.make_vec(NAME, 2, kind, **SHORT))
    env.reset(seed=0)
    lengths = []
    for _ in range(12):
        *_, info = env.step(np.zeros((2, 8), np.float32))
        if "episode" in info:
            lengths += info["episode"]["l"][info["_episode"]].tolist()
    assert lengths
    assert max(lengths) <= 5
    env.close()
