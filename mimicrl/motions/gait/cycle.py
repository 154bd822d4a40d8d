"""A reference over the gait cycle, beside published walking at its speed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mimicrl.geometry.rotations import Array
from mimicrl.motions.gait import SPEED_RANGE_MPS
from mimicrl.motions.gait.published import leg_angles, published_spread
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.walker import Walker

POINTS = 101


def cycle_table(walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
    """Return one row per joint and phase: ``joint, phase, reference_rad, published_mean_rad, published_sd_rad``.

    The published columns are NaN for joints that no published gait has, and for speeds outside its range.
    """
    phase = np.linspace(0.0, 1.0, POINTS)
    angles = reference.at_phase(phase).joint_angles_rad
    strike = heel_strike(walker, reference)
    tables = []
    for joint, reference_rad in zip(walker.joint_names, angles.T, strict=True):
        mean, sd = _published(joint, phase - strike, reference.speed_mps)
        columns = {"reference_rad": reference_rad, "published_mean_rad": mean, "published_sd_rad": sd}
        tables.append(pd.DataFrame({"joint": joint, "phase": phase, **columns}))
    return pd.concat(tables, ignore_index=True)


def heel_strike(walker: Walker, reference: ReferenceTrajectory) -> float:
    """Return the phase of the reference at which its right heel strikes, to 1 % of the cycle.

    It is the shift at which the right leg's joint angles, less their means, come closest to published gait; 0 where
    there is nothing to compare with.
    """
    phase = np.linspace(0.0, 1.0, POINTS)[:-1]
    angles = reference.at_phase(phase).joint_angles_rad
    pairs = []
    for joint, own in zip(walker.joint_names, angles.T, strict=True):
        published, _ = _published(joint, phase, reference.speed_mps)
        if joint.endswith("_r") and np.isfinite(published).all():
            pairs.append((own - own.mean(), published - published.mean()))
    misfit = [
        sum(float(((np.roll(own, -shift) - published) ** 2).sum()) for own, published in pairs)
        for shift in range(len(phase))
    ]
    return float(phase[int(np.argmin(misfit))])


def _published(joint: str, phase: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return the published mean and standard deviation [rad] of a joint, the right heel striking at phase 0."""
    nothing = np.full(len(phase), np.nan)
    low, high = SPEED_RANGE_MPS
    channel, side = joint[:-2], joint[-2:]
    if not low <= speed_mps <= high or side not in ("_r", "_l"):
        return nothing, nothing
    own_phase = phase + 0.5 * (side == "_l")
    angles = leg_angles(speed_mps, own_phase)
    if channel not in angles:
        return nothing, nothing
    return angles[channel], published_spread(channel, speed_mps, own_phase)
