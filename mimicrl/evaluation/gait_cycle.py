"""Joint angles over the gait cycle: the walker's, the reference's, and published ones of people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions.gait.cycle import POINTS, cycle_table
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.walker import Walker


class GaitCycle:
    """Mean and spread of joint angles at 101 phases, collected step by step.

    Args:
        joints: Number of joints J.
    """

    def __init__(self, joints: int) -> None:
        self._count = np.zeros(POINTS)
        self._sum = np.zeros((POINTS, joints))
        self._squares = np.zeros((POINTS, joints))

    def watch(self, batch: MimicBatch, rows: np.ndarray, state: BodyState) -> None:
        """Collect a step of a rollout."""
        self.add(batch.phase[rows], state.joint_angles_rad[rows])

    def add(self, phase: Array, angles_rad: Array) -> None:
        """Add measured angles, shape ``(N, J)``, at `phase`, shape ``(N,)``, to the nearest points."""
        finite = np.isfinite(angles_rad).all(axis=1)
        # The cycle is closed: its last point equals its first point.
        point = np.rint(phase[finite] * (POINTS - 1)).astype(int) % (POINTS - 1)
        np.add.at(self._count, point, 1)
        np.add.at(self._sum, point, angles_rad[finite])
        np.add.at(self._squares, point, angles_rad[finite] ** 2)

    def table(self, walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
        """Return `mimicrl.motions.gait.cycle.cycle_table` with columns ``mean_rad`` and ``sd_rad`` after the phase.

        If no step fell on a phase, its mean and spread are NaN.
        """
        count = np.append(self._count[:-1], self._count[0])
        total = np.vstack([self._sum[:-1], self._sum[:1]])
        squares = np.vstack([self._squares[:-1], self._squares[:1]])
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count[:, None]
            spread = np.sqrt(np.maximum(squares / count[:, None] - mean**2, 0.0))
        table = cycle_table(walker, reference)
        table.insert(2, "mean_rad", mean.T.ravel())
        table.insert(3, "sd_rad", spread.T.ravel())
        return table
