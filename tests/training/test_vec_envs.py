"""The environments of a run: three kinds, one behaviour, and a state that carries it on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from mimicrl.envs.task import Task
from mimicrl.learning.finite_check import FiniteCheckWrapper
from mimicrl.runs import Run
from mimicrl.training import vec_envs

KINDS = ["batched", "dummy"]


def make(run: Run) -> VecNormalize:
    environments = vec_envs.make(run, Task.of_run(run), 1)
    environments.seed(7)
    return environments


def roll(environments: VecEnv | None, steps: int, action: float) -> list[Any]:
    assert environments is not None
    shape = (environments.num_envs, *environments.action_space.shape)  # type: ignore[misc]
    return [environments.step(np.full(shape, action, np.float32))[:3] for _ in range(steps)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_finite_check_stands_before_the_normaliser(prepare, tmp_path: Path, kind: str) -> None:
    environments = make(prepare(tmp_path / "run", training={"vec_env": kind, "gamma": 0.97}))
    assert isinstance(environments, VecNormalize)
    assert isinstance(environments.venv, FiniteCheckWrapper)
    assert environments.gamma == 0.97
    environments.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_a_state_carries_on_bitwise_in_the_same_and_in_the_other_kind(
    prepare, tmp_path: Path, kind: str, other: str
) -> None:
    first = make(prepare(tmp_path / "first", training={"vec_env": kind}))
    first.reset()
    roll(first, 15, -0.5)
    state = vec_envs.get_state(first)
    assert all(len(rows) == first.num_envs for rows in state.values())
    expected = roll(first.venv, 40, 0.3)  # episodes end in between
    assert any(done.any() for _, _, done in expected)
    second = make(prepare(tmp_path / "second", training={"vec_env": other}))
    vec_envs.set_state(second, state)
    for step, again in zip(expected, roll(second.venv, 40, 0.3), strict=True):
        for old, new in zip(step, again, strict=True):
            np.testing.assert_array_equal(old, new)
    first.close()
    second.close()


def test_a_state_is_a_copy(prepare, tmp_path: Path) -> None:
    environments = make(prepare(tmp_path / "run"))
    environments.reset()
    state = vec_envs.get_state(environments)
    kept = {name: rows.copy() for name, rows in state.items()}
    roll(environments, 3, 0.3)
    for name, rows in kept.items():
        np.testing.assert_array_equal(state[name], rows)
