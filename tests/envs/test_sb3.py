"""The fast view keeps Stable-Baselines3's contract of a vector environment; its bits are in `test_three_views`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor

from mimicrl import seeding
from mimicrl.config import MDPConfig
from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


@pytest.fixture
def make(walker: Walker, reference: ReferenceTrajectory) -> Callable[..., MimicVecEnv]:
    """Makes four short environments."""

    def environments(threads: int = 1) -> MimicVecEnv:
        config = MDPConfig(episode_seconds=0.5)
        return MimicVecEnv(MimicBatch(walker, reference, config, 4, threads=threads))

    return environments


def steps(environments: MimicVecEnv, count: int, seed: int = 0) -> list[tuple[Any, ...]]:
    rng = np.random.default_rng(seed)
    return [environments.step(rng.uniform(-1, 1, (4, 8)).astype(np.float32)) for _ in range(count)]


def test_seeds_are_used_once_and_one_apart(make: Callable[..., MimicVecEnv]) -> None:
    environments = make()
    assert environments.seed(20) == [20, 21, 22, 23]
    environments.reset()
    draws = np.array([seeding.generator(seed).random(2) for seed in (20, 21, 22, 23)])
    np.testing.assert_array_equal(environments.batch.phase, draws[:, 0])
    environments.reset()
    np.testing.assert_array_equal(environments.batch.phase, draws[:, 1])


def test_rows_that_end_start_again_at_once(make: Callable[..., MimicVecEnv]) -> None:
    environments = make()
    environments.seed(0)
    environments.reset()
    ends = 0
    for seed in range(60):
        [(observation, _, done, infos)] = steps(environments, 1, seed)
        for row, info in enumerate(infos):
            assert bool(info) == done[row]
            if info:
                ends += 1
                assert not np.array_equal(info["terminal_observation"], observation[row])
                assert environments.batch.steps[row] == 0
                assert info["TimeLimit.truncated"] == (info["mimic"]["reason"] == "time")
                assert info["episode"]["l"] <= 25
    assert ends > 5


def test_what_was_returned_stays_as_it_was(make: Callable[..., MimicVecEnv]) -> None:
    environments = make()
    environments.reset()
    found = steps(environments, 60)
    copies = [(observation.copy(), reward.copy(), done.copy()) for observation, reward, done, _ in found]
    terminal = [info["terminal_observation"] for *_, infos in found for info in infos if info]
    kept = [observation.copy() for observation in terminal]
    steps(environments, 60, seed=1)
    for step, copy in zip(found, copies, strict=True):
        for value, old in zip(step[:3], copy, strict=True):
            np.testing.assert_array_equal(value, old)
    np.testing.assert_array_equal(terminal, kept)


@pytest.mark.parametrize("threads", [1, 2])
def test_restored_environments_go_on_bit_for_bit(make: Callable[..., MimicVecEnv], threads: int) -> None:
    environments = make()
    environments.seed(7)
    environments.reset()
    steps(environments, 33)
    state = environments.get_state()
    expected = steps(environments, 60, seed=1)
    other = make(threads)
    other.set_state(state)
    for one, two in zip(steps(other, 60, seed=1), expected, strict=True):
        for left, right in zip(one[:3], two[:3], strict=True):
            np.testing.assert_array_equal(left, right)
        for left, right in zip(one[3], two[3], strict=True):
            for info in (left, right):
                info.get("episode", {}).pop("t", None)
                info["terminal_observation"] = np.array(info.get("terminal_observation", ())).tolist()
            assert left == right


def test_the_environments_share_one_object(make: Callable[..., MimicVecEnv]) -> None:
    environments = make()
    environments.set_attr("note", "here", indices=[1])
    assert environments.get_attr("note") == ["here"] * 4
    assert environments.get_attr("num_envs", [0, 2]) == [4, 4]
    assert len(environments.env_method("get_state", indices=1)) == 1
    assert environments.env_is_wrapped(Monitor) == [False] * 4
    environments.close()
