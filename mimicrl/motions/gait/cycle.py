"""A reference over the gait cycle, beside published walking at its speed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mimicrl.geometry.rotations import Array
from mimicrl.motions.gait import SPEED_RANGE_MPS
from mimicrl.motions.gait.published import leg_angles, published_spread
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.metadata import Role
from mimicrl.walkers.walker import Walker

POINTS = 101


def cycle_table(walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
    """Return one row per joint and phase: ``joint, phase, reference_rad, published_mean_rad, published_sd_rad``.

    Joints bear the names of their roles, such as ``hip_flexion_l``, whatever the walker calls them.

    The published columns are NaN for joints that no published gait has, and for speeds outside its range.
    """
    phase = np.linspace(0.0, 1.0, POINTS)
    angles = reference.at_phase(phase).joint_angles_rad
    strike = heel_strike(walker, reference)
    tables = []
    for role, reference_rad in zip(walker.roles, angles.T, strict=True):
        mean, sd = _published(role, phase - strike, reference.speed_mps)
        columns = {"reference_rad": reference_rad, "published_mean_rad": mean, "published_sd_rad": sd}
        tables.append(pd.DataFrame({"joint": role.label, "phase": phase, **columns}))
    return pd.concat(tables, ignore_index=True)


def heel_strike(walker: Walker, reference: ReferenceTrajectory) -> float:
    """Return the phase of the reference at which its right heel strikes, to 1 % of the cycle.

    It is the shift at which the right leg's joint angles, less their means, come closest to published gait; 0 where
    there is nothing to compare with.
    """
    phase = np.linspace(0.0, 1.0, POINTS)[:-1]
    angles = reference.at_phase(phase).joint_angles_rad
    pairs = []
    for role, own in zip(walker.roles, angles.T, strict=True):
        published, _ = _published(role, phase, reference.speed_mps)
        if role.side == "right" and np.isfinite(published).all():
            pairs.append((own - own.mean(), published - published.mean()))
    misfit = [
        sum(float(((np.roll(own, -shift) - published) ** 2).sum()) for own, published in pairs)
        for shift in range(len(phase))
    ]
    return float(phase[int(np.argmin(misfit))])


def _published(role: Role, phase: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return the published mean and standard deviation [rad] of a joint, the right heel striking at phase 0."""
    nothing = np.full(len(phase), np.nan)
    low, high = SPEED_RANGE_MPS
    if not low <= speed_mps <= high or role.side == "middle":
        return nothing, nothing
    own_phase = phase + 0.5 * (role.side == "left")
    angles = leg_angles(speed_mps, own_phase)
    if role.name not in angles:
        return nothing, nothing
    return angles[role.name], published_spread(role.name, speed_mps, own_phase)
