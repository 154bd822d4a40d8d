"""Statistics of an episode are what Stable-Baselines3's own are, and the means of its reward terms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from mimicrl.envs.episode_statistics import KEPT_STEPS, EpisodeStatistics
from mimicrl.envs.gymnasium import MimicEnv
from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch, StepResult
from mimicrl.mdp.terminations import DIVERGED, TIME, reasons
from mimicrl.motions import ReferenceTrajectory
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.walkers import Walker

NAMES = tuple(term.name() for term in MDPConfig().rewards.active())
REASONS = reasons(MDPConfig().terminations)
FALL = REASONS.index("fall")
ENDS = range(1, len(REASONS))


class Episodes:
    """Statistics of two simulations that there are not."""

    def __init__(self) -> None:
        self.qpos = np.zeros((2, 3))
        state = {"phase": np.array([0.1, 0.2])}
        batch = SimpleNamespace(
            count=2,
            reward_names=NAMES,
            reasons=REASONS,
            simulation=self,
            get_state=lambda: state,
            set_state=state.update,
        )
        self.statistics = EpisodeStatistics(cast(MimicBatch, batch))

    def add(self, terms: np.ndarray | float = 0.2, reason: int = TIME, qpos: np.ndarray | None = None) -> StepResult:
        """Take a step of both with the given terms, shape ``(2, K)`` or a number for all."""
        terms = np.broadcast_to(np.asarray(terms, np.float32), (2, len(NAMES)))
        self.qpos[:] = 0.0 if qpos is None else qpos
        step = StepResult(
            observation=np.zeros((2, 1), np.float32),
            reward=terms.sum(axis=1),
            terms=terms,
            terminated=np.full(2, reason > TIME),
            truncated=np.full(2, reason == TIME),
            reason=np.full(2, reason),
            state=cast(BodyState, None),  # the statistics use neither
            reference=cast(ReferenceFrame, None),
        )
        self.statistics.add(step)
        return step


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
    episodes = Episodes()
    terms = np.random.default_rng(0).uniform(0, 0.25, (20, 2, len(NAMES)))
    steps = [episodes.add(now, FALL) for now in terms]
    info, found = episodes.statistics.info(1, steps[-1])["mimic"], episodes.statistics.statistics(1)
    assert tuple(info["reward"]) == NAMES
    np.testing.assert_allclose(list(info["reward"].values()), terms[:, 1].mean(axis=0), rtol=1e-6)
    assert found["r"] == pytest.approx(terms[:, 1].sum(), abs=1e-5)
    assert found["l"] == 20
    assert found["t"] >= 0


@pytest.mark.parametrize("reason", ENDS)
def test_only_the_time_limit_truncates_and_only_a_divergence_shows_its_configurations(reason: int) -> None:
    episodes = Episodes()
    info = episodes.statistics.info(0, episodes.add(reason=reason))
    assert info["mimic"]["reason"] == REASONS[reason]
    assert info["TimeLimit.truncated"] == (reason == TIME)
    assert ("trace" in info) == (reason == DIVERGED)


def configurations(steps: int) -> np.ndarray:
    """Configurations that name step and row, shape ``(steps, 2, 3)``."""
    return np.arange(steps)[:, None, None] + 1000.0 * np.arange(2)[:, None] + np.zeros(3)


LENGTHS = [1, 2, KEPT_STEPS - 1, KEPT_STEPS, KEPT_STEPS + 1, 3 * KEPT_STEPS + 7]


@pytest.mark.parametrize(
    ("before", "steps"), [*((0, length) for length in LENGTHS), *((start, 4) for start in LENGTHS)]
)
def test_an_episode_that_diverged_shows_its_own_last_configurations(before: int, steps: int) -> None:
    episodes, rows = Episodes(), configurations(before + steps)
    for row in rows[:before]:
        episodes.add(qpos=row)
    episodes.statistics.start(np.array([0]))  # the other one goes on
    *_, step = [episodes.add(reason=DIVERGED, qpos=row) for row in rows[before:]]
    traces = [episodes.statistics.info(row, step)["trace"] for row in (0, 1)]
    episodes.add(qpos=np.full(3, np.nan))  # the ring moves on
    np.testing.assert_array_equal(traces[0], rows[before:, 0][-KEPT_STEPS:])
    np.testing.assert_array_equal(traces[1], rows[-KEPT_STEPS:, 1])


def test_restored_statistics_are_the_same_but_for_configurations_seen_before() -> None:
    episodes, other, rows = Episodes(), Episodes(), configurations(8)
    for row in rows[:5]:
        episodes.add(qpos=row)
    state = episodes.statistics.get_state()
    other.statistics.set_state(state)
    for row in rows[5:]:
        episodes.add(qpos=row)
    *_, step = [other.add(reason=DIVERGED, qpos=row) for row in rows[5:]]
    for name, value in episodes.statistics.get_state().items():
        np.testing.assert_array_equal(other.statistics.get_state()[name], value)
        assert name == "phase" or not np.array_equal(state[name], value)
    assert other.statistics.statistics(0)["l"] == 8
    np.testing.assert_array_equal(other.statistics.info(0, step)["trace"], rows[5:, 0])
