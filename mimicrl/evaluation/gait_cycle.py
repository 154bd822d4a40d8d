"""Joint angles over the gait cycle: the walker's, the reference's, and those of people."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import gait
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.walker import Walker

POINTS = 101


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
        # The cycle is closed: its last point is its first.
        point = np.rint(phase[finite] * (POINTS - 1)).astype(int) % (POINTS - 1)
        np.add.at(self._count, point, 1)
        np.add.at(self._sum, point, angles_rad[finite])
        np.add.at(self._squares, point, angles_rad[finite] ** 2)

    def table(self, walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
        """Return one row per joint and phase: ``joint, phase, mean_rad, sd_rad, reference_rad, published_…``.

        Phases at which no step fell have NaN means. The published columns are NaN for joints that no published
        gait has, and for speeds outside its range.
        """
        count = np.append(self._count[:-1], self._count[0])
        total = np.vstack([self._sum[:-1], self._sum[:1]])
        squares = np.vstack([self._squares[:-1], self._squares[:1]])
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count[:, None]
            spread = np.sqrt(np.maximum(squares / count[:, None] - mean**2, 0.0))
        phase = np.linspace(0.0, 1.0, POINTS)
        target = reference.at_phase(phase).joint_angles_rad
        strike = heel_strike(walker, reference)
        frames = []
        for column, joint in enumerate(walker.joint_names):
            published, published_sd = _published(joint, phase - strike, reference.speed_mps)
            frames.append(
                pd.DataFrame(
                    {
                        "joint": joint,
                        "phase": phase,
                        "mean_rad": mean[:, column],
                        "sd_rad": spread[:, column],
                        "reference_rad": target[:, column],
                        "published_mean_rad": published,
                        "published_sd_rad": published_sd,
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)


def heel_strike(walker: Walker, reference: ReferenceTrajectory) -> float:
    """Return the phase of the reference at which its right heel strikes, to 1 % of the cycle.

    It is the shift at which the right leg's joint angles, less their means, come closest to published gait; 0 where
    there is nothing to compare with.
    """
    phase = np.linspace(0.0, 1.0, POINTS)[:-1]
    angles = reference.at_phase(phase).joint_angles_rad
    pairs = []
    for column, joint in enumerate(walker.joint_names):
        published, _ = _published(joint, phase, reference.speed_mps)
        if joint.endswith("_r") and np.isfinite(published).all():
            pairs.append((angles[:, column] - angles[:, column].mean(), published - published.mean()))
    misfit = [
        sum(float(((np.roll(target, -shift) - published) ** 2).sum()) for target, published in pairs)
        for shift in range(len(phase))
    ]
    return float(phase[int(np.argmin(misfit))])


def _published(joint: str, phase: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return the published mean and standard deviation [rad] of a joint, the right heel striking at phase 0."""
    nothing = np.full(len(phase), np.nan)
    low, high = gait.SPEED_RANGE_MPS
    channel, side = joint[:-2], joint[-2:]
    if not low <= speed_mps <= high or side not in ("_r", "_l"):
        return nothing, nothing
    own_phase = phase + 0.5 * (side == "_l")
    angles = gait.leg_angles(speed_mps, own_phase)
    if channel not in angles:
        return nothing, nothing
    return angles[channel], gait.published_spread(channel, speed_mps, own_phase)
