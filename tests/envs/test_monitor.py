"""The monitor tells of an episode what Stable-Baselines3's own does, and its mean reward terms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from mimicrl.envs.gymnasium import MimicEnv
from mimicrl.envs.monitor import TRACE_STEPS, EpisodeMonitor
from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch, StepResult
from mimicrl.mdp.terminations import DIVERGED, TIME, reasons
from mimicrl.motions import ReferenceTrajectory
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.walkers import Walker

QPOS = np.zeros((3, 7))
NAMES = tuple(term.name() for term in MDPConfig().rewards.active())
REASONS = reasons(MDPConfig().terminations)
FALL = REASONS.index("fall")
ENDS = range(1, len(REASONS))


def monitor_of(count: int) -> EpisodeMonitor:
    """A monitor of simulations that there are not."""
    return EpisodeMonitor(cast(MimicBatch, SimpleNamespace(count=count, reward_names=NAMES, reasons=REASONS)))


def transition(terms: np.ndarray, reason: int) -> StepResult:
    """A step of every simulation with the given terms, shape ``(N, K)``."""
    count = len(terms)
    return StepResult(
        observation=np.zeros((count, 1), np.float32),
        reward=terms.sum(axis=1).astype(np.float32),
        terms=terms.astype(np.float32),
        terminated=np.full(count, reason > TIME),
        truncated=np.full(count, reason == TIME),
        reason=np.full(count, reason),
        state=cast(BodyState, None),  # the monitor looks at neither
        reference=cast(ReferenceFrame, None),
    )


def test_returns_and_lengths_are_stable_baselines3s(walker: Walker, reference: ReferenceTrajectory) -> None:
    own = MimicVecEnv(MimicBatch(walker, reference, MDPConfig(), 1))
    wrapped = DummyVecEnv([lambda: Monitor(MimicEnv(MimicBatch(walker, reference, MDPConfig(), 1)))])
    for environments in (own, wrapped):
        environments.seed(4)
        environments.reset()
    rng, ends = np.random.default_rng(0), 0
    for _ in range(150):
        actions = rng.uniform(-1, 1, (1, 8))
        (ours,), (theirs,) = (environments.step(actions)[3] for environments in (own, wrapped))
        assert ("episode" in ours) == ("episode" in theirs)
        if "episode" in ours:
            ends += 1
            assert ours["episode"]["l"] == theirs["episode"]["l"]
            assert ours["episode"]["r"] == pytest.approx(theirs["episode"]["r"], abs=2e-6)
            assert set(ours["episode"]) == set(theirs["episode"])
    assert ends > 2


def test_terms_are_means_over_the_episode() -> None:
    rng, monitor = np.random.default_rng(0), monitor_of(3)
    terms = rng.uniform(0, 0.25, (20, 3, len(NAMES)))
    for now in terms:
        monitor.add(transition(now, FALL), QPOS)
    info = monitor.info(1, transition(terms[-1], FALL))
    assert info["mimic"]["reason"] == "fall"
    assert tuple(info["mimic"]["reward"]) == NAMES
    np.testing.assert_allclose(list(info["mimic"]["reward"].values()), terms[:, 1].mean(axis=0), rtol=1e-6)
    found = monitor.statistics(1)
    assert found["r"] == pytest.approx(terms[:, 1].sum(), abs=1e-5)
    assert found["l"] == 20
    assert found["t"] >= 0


@pytest.mark.parametrize("reason", ENDS)
def test_only_the_time_limit_truncates(reason: int) -> None:
    monitor, step = monitor_of(1), transition(np.full((1, len(NAMES)), 0.1), reason)
    monitor.add(step, QPOS[:1])
    info = monitor.info(0, step)
    assert info["mimic"]["reason"] == REASONS[reason]
    assert info["TimeLimit.truncated"] == (reason == TIME)


def test_a_new_episode_forgets_the_last_and_no_other() -> None:
    monitor, step = monitor_of(2), transition(np.full((2, len(NAMES)), 0.2), TIME)
    monitor.add(step, QPOS)
    monitor.start(np.array([0]))
    monitor.add(step, QPOS)
    assert [monitor.statistics(row)["l"] for row in (0, 1)] == [1, 2]
    assert [monitor.statistics(row)["r"] for row in (0, 1)] == [pytest.approx(0.8), pytest.approx(1.6)]
    for row in (0, 1):
        assert monitor.info(row, step)["mimic"]["reward"]["pose"] == pytest.approx(0.2)


def test_a_restored_monitor_tells_the_same() -> None:
    monitor, other, step = monitor_of(2), monitor_of(2), transition(np.full((2, len(NAMES)), 0.2), TIME)
    monitor.add(step, QPOS)
    state = monitor.get_state()
    monitor.add(step, QPOS)
    other.set_state(state)
    other.add(step, QPOS)
    for name, value in monitor.get_state().items():
        np.testing.assert_array_equal(other.get_state()[name], value)
        assert not np.array_equal(state[name], value)


def configurations(steps: int, count: int = 2) -> np.ndarray:
    """Configurations that tell step and row, shape ``(steps, N, 3)``."""
    return np.arange(steps)[:, None, None] + 1000.0 * np.arange(count)[:, None] + np.zeros(3)


@pytest.mark.parametrize("steps", [1, 2, TRACE_STEPS - 1, TRACE_STEPS, TRACE_STEPS + 1, 3 * TRACE_STEPS + 7])
def test_an_episode_that_diverged_shows_its_last_configurations(steps: int) -> None:
    monitor, step = monitor_of(2), transition(np.zeros((2, len(NAMES))), DIVERGED)
    rows = configurations(steps)
    for row in rows:
        monitor.add(step, row)
        row += 0.5  # the simulation's live view moves on
    trace = monitor.info(1, step)["trace"]
    np.testing.assert_array_equal(trace, configurations(steps)[-TRACE_STEPS:, 1])


@pytest.mark.parametrize("before", [3, TRACE_STEPS, TRACE_STEPS + 5])
def test_the_last_configurations_are_of_this_episode_only(before: int) -> None:
    monitor, step = monitor_of(2), transition(np.zeros((2, len(NAMES))), DIVERGED)
    rows = configurations(before + 4)
    for number, row in enumerate(rows):
        if number == before:
            monitor.start(np.array([0]))
        monitor.add(step, row)
    np.testing.assert_array_equal(monitor.info(0, step)["trace"], rows[before:, 0])
    np.testing.assert_array_equal(monitor.info(1, step)["trace"], rows[-TRACE_STEPS:, 1])


def test_a_restored_monitor_shows_what_it_saw_since() -> None:
    monitor, other, step = monitor_of(2), monitor_of(2), transition(np.zeros((2, len(NAMES))), DIVERGED)
    rows = configurations(8)
    for row in rows[:5]:
        monitor.add(step, row)
    other.set_state(monitor.get_state())
    for row in rows[5:]:
        other.add(step, row)
    assert other.statistics(0)["l"] == 8
    np.testing.assert_array_equal(other.info(0, step)["trace"], rows[5:, 0])


@pytest.mark.parametrize("reason", [reason for reason in ENDS if reason != DIVERGED])
def test_other_episodes_show_none(reason: int) -> None:
    monitor, step = monitor_of(3), transition(np.zeros((3, len(NAMES))), reason)
    monitor.add(step, QPOS)
    assert "trace" not in monitor.info(0, step)
