"""The monitor tells of an episode what Stable-Baselines3's own does, and its mean reward terms."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor

from mimicrl.config import MimicConfig
from mimicrl.mimic.batch import MimicBatch, Transition
from mimicrl.mimic.env import MimicEnv
from mimicrl.mimic.monitor import EpisodeMonitor
from mimicrl.mimic.rewards import TERMS
from mimicrl.mimic.state import BodyState
from mimicrl.mimic.terminations import Reason
from mimicrl.motions import ReferenceTrajectory
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.walkers import Walker


def transition(terms: np.ndarray, reason: Reason) -> Transition:
    """A step of every simulation with the given terms, shape ``(N, 4)``."""
    count = len(terms)
    return Transition(
        observation=np.zeros((count, 1), np.float32),
        reward=terms.sum(axis=1).astype(np.float32),
        terms=terms.astype(np.float32),
        terminated=np.full(count, reason > Reason.TIME),
        truncated=np.full(count, reason == Reason.TIME),
        reason=np.full(count, reason),
        state=cast(BodyState, None),  # the monitor looks at neither
        reference=cast(ReferenceFrame, None),
    )


def test_returns_and_lengths_are_stable_baselines3s(walker: Walker, reference: ReferenceTrajectory) -> None:
    own = MimicEnv(MimicBatch(walker, reference, MimicConfig(), 1))
    wrapped = Monitor(MimicEnv(MimicBatch(walker, reference, MimicConfig(), 1)))
    for environment in (own, wrapped):
        environment.reset(seed=4)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(150):
        action = rng.uniform(-1, 1, 8)
        *_, terminated, truncated, info = own.step(action)
        *_, theirs = wrapped.step(action)
        if terminated or truncated:
            ends += 1
            assert info["episode"]["l"] == theirs["episode"]["l"]
            assert info["episode"]["r"] == pytest.approx(theirs["episode"]["r"], abs=2e-6)
            assert set(info["episode"]) == set(theirs["episode"])
            own.reset()
            wrapped.reset()
    assert ends > 2


def test_terms_are_means_over_the_episode() -> None:
    rng, monitor = np.random.default_rng(0), EpisodeMonitor(3)
    terms = rng.uniform(0, 0.25, (20, 3, 4))
    for now in terms:
        monitor.add(transition(now, Reason.FALL))
    info = monitor.info(1, transition(terms[-1], Reason.FALL))
    assert info["mimic"].pop("reason") == "fall"
    assert list(info["mimic"]) == list(TERMS)
    np.testing.assert_allclose(list(info["mimic"].values()), terms[:, 1].mean(axis=0), rtol=1e-6)
    assert info["episode"]["r"] == pytest.approx(terms[:, 1].sum(), abs=1e-5)
    assert info["episode"]["l"] == 20
    assert info["episode"]["t"] >= 0


@pytest.mark.parametrize("reason", list(Reason)[1:])
def test_only_the_time_limit_truncates(reason: Reason) -> None:
    monitor, step = EpisodeMonitor(1), transition(np.full((1, 4), 0.1), reason)
    monitor.add(step)
    info = monitor.info(0, step)
    assert info["mimic"]["reason"] == reason.label
    assert info["TimeLimit.truncated"] == (reason == Reason.TIME)


def test_a_new_episode_forgets_the_last_and_no_other() -> None:
    monitor, step = EpisodeMonitor(2), transition(np.full((2, 4), 0.2), Reason.TIME)
    monitor.add(step)
    monitor.start(np.array([0]))
    monitor.add(step)
    assert [monitor.info(row, step)["episode"]["l"] for row in (0, 1)] == [1, 2]
    assert [monitor.info(row, step)["episode"]["r"] for row in (0, 1)] == [pytest.approx(0.8), pytest.approx(1.6)]
    for row in (0, 1):
        assert monitor.info(row, step)["mimic"]["pose"] == pytest.approx(0.2)


def test_a_restored_monitor_tells_the_same() -> None:
    monitor, other, step = EpisodeMonitor(2), EpisodeMonitor(2), transition(np.full((2, 4), 0.2), Reason.TIME)
    monitor.add(step)
    state = monitor.get_state()
    monitor.add(step)
    other.set_state(state)
    other.add(step)
    for name, value in monitor.get_state().items():
        np.testing.assert_array_equal(other.get_state()[name], value)
        assert not np.array_equal(state[name], value)
