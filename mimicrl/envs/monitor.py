"""What an episode was like: its return and length, the reason of its end, and the mean of each reward term."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mimicrl.mdp.step import MimicBatch, StepResult
from mimicrl.mdp.terminations import DIVERGED

_PREFIX = "monitor."
# How many steps before a divergence are kept, to be looked at.
TRACE_STEPS = 100


def joint_state(batch: MimicBatch, monitor: EpisodeMonitor) -> dict[str, np.ndarray]:
    """Return everything that decides the future of a batch and of its monitor, as arrays of N rows."""
    return batch.get_state() | {f"{_PREFIX}{name}": value for name, value in monitor.get_state().items()}


def set_joint_state(batch: MimicBatch, monitor: EpisodeMonitor, state: dict[str, np.ndarray]) -> None:
    """Continue from a state of `joint_state`, bitwise."""
    batch.set_state(state)
    monitor.set_state({name.removeprefix(_PREFIX): state[name] for name in state if name.startswith(_PREFIX)})


class EpisodeMonitor:
    """Adds up the rewards of N running episodes.

    Args:
        batch: The simulations.
    """

    def __init__(self, batch: MimicBatch) -> None:
        count = batch.count
        self._names, self._reasons = batch.reward_names, batch.reasons
        self.rewards = np.zeros(count)
        self.terms = np.zeros((count, len(self._names)))
        self.lengths = np.zeros(count, np.int64)
        self._start = time.perf_counter()
        self._trace: np.ndarray | None = None
        self._steps = 0

    def start(self, ids: np.ndarray) -> None:
        """Forget the episodes of the simulations `ids`."""
        self.rewards[ids] = 0.0
        self.terms[ids] = 0.0
        self.lengths[ids] = 0

    def add(self, step: StepResult, qpos: np.ndarray) -> None:
        """Count one step of every simulation, which brought it to `qpos`, shape ``(N, nq)``."""
        if self._trace is None:
            self._trace = np.zeros((TRACE_STEPS, *qpos.shape))
        self._trace[self._steps % TRACE_STEPS] = qpos
        self._steps += 1
        self.rewards += step.reward
        self.terms += step.terms
        self.lengths += 1

    def info(self, index: int, step: StepResult) -> dict[str, Any]:
        """Return the ``info`` of an episode that just ended.

        ``mimic`` has the ``reason`` of the end and in ``reward`` the mean of each term; ``trace``, of an episode that
        diverged, its last configurations.
        """
        length = int(self.lengths[index])
        trace = {"trace": self._last(index, length)} if step.reason[index] == DIVERGED else {}
        return trace | {
            "mimic": {
                "reason": self._reasons[int(step.reason[index])],
                "reward": {name: float(self.terms[index, k]) / length for k, name in enumerate(self._names)},
            },
            "TimeLimit.truncated": bool(step.truncated[index]),
        }

    def statistics(self, index: int) -> dict[str, Any]:
        """Return an episode's return ``r``, length ``l`` and seconds ``t``, as Stable-Baselines3's ``Monitor`` does."""
        return {
            "r": round(float(self.rewards[index]), 6),
            "l": int(self.lengths[index]),
            "t": round(time.perf_counter() - self._start, 6),
        }

    def _last(self, index: int, length: int) -> np.ndarray:
        """Return the last configurations of a running episode, oldest first, shape ``(T, nq)``."""
        assert self._trace is not None
        count = min(length, self._steps, TRACE_STEPS)
        return self._trace[np.arange(self._steps - count, self._steps) % TRACE_STEPS, index].copy()

    def get_state(self) -> dict[str, np.ndarray]:
        """Return the sums of the running episodes, as arrays of N rows."""
        return {"rewards": self.rewards.copy(), "terms": self.terms.copy(), "lengths": self.lengths.copy()}

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of `get_state`."""
        self.rewards[:], self.terms[:], self.lengths[:] = state["rewards"], state["terms"], state["lengths"]
