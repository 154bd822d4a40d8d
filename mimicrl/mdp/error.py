"""How far N walkers are from their reference: measured once per step, for rewards and terminations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.motions.reference import ReferenceFrame, columns


class TrackingError(NamedTuple):
    """The state minus the reference.

    Attributes:
        joint_angles_squared: Sum of the joints' squared errors [rad²], shape ``(N,)``.
        rotation_rad: Angle between the roots' orientations, shape ``(N,)``.
        rates_squared: Squared errors of joint velocities and of the root's turning, summed [rad²/s²], shape ``(N,)``.
        feet_squared: Squared distances of the end effectors, relative to the root, summed [m²], shape ``(N,)``.
        root_position_w: [m], shape ``(N, 3)``.
        root_velocity_w: [m/s], shape ``(N, 3)``.
    """

    joint_angles_squared: Array
    rotation_rad: Array
    rates_squared: Array
    feet_squared: Array
    root_position_w: Array
    root_velocity_w: Array


def tracking_error(state: BodyState, reference: ReferenceFrame) -> TrackingError:
    """Return how far `state` is from `reference`."""
    difference = state.values - reference.values
    position, quat, angles, velocity, angular_velocity, joint_velocities, feet = (
        difference[:, part] for part in columns(state.joint_angles_rad.shape[1], state.feet_h.shape[1] // 3)
    )
    chord_squared = np.minimum(_squared(quat), _squared(state.root_quat_w + reference.root_quat_w))
    return TrackingError(
        joint_angles_squared=_squared(angles),
        rotation_rad=_angle(chord_squared),
        rates_squared=_squared(joint_velocities) + _squared(angular_velocity),
        feet_squared=_squared(feet),
        root_position_w=position,
        root_velocity_w=velocity,
    )


def _angle(chord_squared: Array) -> Array:
    """Return the angle [rad] between two orientations from the squared chord between their unit quaternions.

    The quaternions of two orientations that differ by an angle θ are a chord of 2 sin(θ / 4) apart (Huynh 2009,
    eq. 19), so the angle is 4 asin(chord / 2). Unlike the product of the quaternions, this is exact for small angles.
    As q and −q are the same orientation, the caller gives the smaller of the two chords.
    """
    half = 0.5 * np.sqrt(chord_squared)
    return 4.0 * np.arcsin(np.minimum(half, 1.0, out=half), out=half)


def _squared(rows: Array) -> Array:
    # einsum sums a row in the same order whatever the number of rows; @ and sum() may not.
    return np.einsum("ij,ij->i", rows, rows)
