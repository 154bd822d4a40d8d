"""Records the configuration of the walker at each step of an evaluation, for a video."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch


class Trajectory(NamedTuple):
    """One episode, one row per control step. The start, which is a state of the reference, is not a row.

    Attributes:
        qpos: Configurations, shape ``(T, nq)``.
        phase: Phase of the reference, shape ``(T,)``.
    """

    qpos: Array
    phase: Array


class TrajectoryRecorder:
    """Records every step of a rollout: ``roll_out(…, watch=recorder.watch)``."""

    def __init__(self) -> None:
        self._steps: list[tuple[np.ndarray, Array, Array]] = []
        self._width = 0

    def watch(self, batch: MimicBatch, rows: np.ndarray, state: BodyState) -> None:
        """Record a step."""
        self._width = batch.simulation.qpos.shape[1]
        self._steps.append((rows.copy(), batch.simulation.qpos[rows], batch.phase[rows]))

    def trajectory(self, index: int) -> Trajectory:
        """Return the steps of the episode in row `index` of the batch. The arrays are empty if no step was finite."""
        seen = [(qpos[rows == index], phase[rows == index]) for rows, qpos, phase in self._steps if index in rows]
        return Trajectory(
            np.concatenate([qpos for qpos, _ in seen]) if seen else np.empty((0, self._width)),
            np.concatenate([phase for _, phase in seen]) if seen else np.empty(0),
        )
