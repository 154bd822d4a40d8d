"""Statistics of N running episodes: return, length, why each ended, and the mean of each reward term.

Gymnasium's ``RecordEpisodeStatistics`` and Stable-Baselines3's ``Monitor`` do the same for one environment.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mimicrl.mdp.step import MimicBatch, StepResult
from mimicrl.mdp.terminations import DIVERGED

# Checkpoints hold the statistics of running episodes under this prefix.
_PREFIX = "monitor."
_STORED = ("rewards", "terms", "lengths")
KEPT_STEPS = 100
"""Number of steps before a divergence whose configurations are kept."""


class EpisodeStatistics:
    """Adds up the rewards of the running episodes of a batch.

    Args:
        batch: The simulations.
    """

    def __init__(self, batch: MimicBatch) -> None:
        self._batch = batch
        self.rewards = np.zeros(batch.count)
        self.terms = np.zeros((batch.count, len(batch.reward_names)))
        self.lengths = np.zeros(batch.count, np.int64)
        self._start = time.perf_counter()
        self._kept = np.zeros((KEPT_STEPS, *batch.simulation.qpos.shape))  # a ring, one row per step
        self._steps = 0

    def start(self, ids: np.ndarray) -> None:
        """Start to count new episodes in the simulations `ids`."""
        for sums in (self.rewards, self.terms, self.lengths):
            sums[ids] = 0

    def add(self, step: StepResult) -> None:
        """Count one step of every simulation."""
        self._kept[self._steps % KEPT_STEPS] = self._batch.simulation.qpos
        self._steps += 1
        self.rewards += step.reward
        self.terms += step.terms
        self.lengths += 1

    def info(self, index: int, step: StepResult) -> dict[str, Any]:
        """Return the ``info`` of an episode that just ended.

        ``mimic`` has the ``reason`` of the end, and in ``reward`` the mean of each term. An episode that diverged has
        in ``trace`` its last configurations, oldest first, shape ``(T, nq)``.
        """
        length, reason = int(self.lengths[index]), int(step.reason[index])
        means = self.terms[index] / length
        info: dict[str, Any] = {
            "mimic": {
                "reason": self._batch.reasons[reason],
                "reward": dict(zip(self._batch.reward_names, means.tolist(), strict=True)),
            },
            "TimeLimit.truncated": bool(step.truncated[index]),
        }
        if reason == DIVERGED:
            count = min(length, self._steps, KEPT_STEPS)
            info["trace"] = self._kept[np.arange(self._steps - count, self._steps) % KEPT_STEPS, index]
        return info

    def statistics(self, index: int) -> dict[str, Any]:
        """Return an episode's return ``r``, length ``l`` and seconds ``t``, as Stable-Baselines3's ``Monitor`` does."""
        return {
            "r": round(float(self.rewards[index]), 6),
            "l": int(self.lengths[index]),
            "t": round(time.perf_counter() - self._start, 6),
        }

    def get_state(self) -> dict[str, np.ndarray]:
        """Return everything that decides the future of the batch and of these statistics, as arrays of N rows."""
        return self._batch.get_state() | {f"{_PREFIX}{name}": getattr(self, name).copy() for name in _STORED}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of `get_state`, bitwise."""
        self._batch.set_state(state)
        for name in _STORED:
            getattr(self, name)[:] = state[f"{_PREFIX}{name}"]
