"""The measured state of N simulations, computed once per step and given to all functions of the MDP."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl.geometry import rotations
from mimicrl.geometry.heading import in_heading_frame
from mimicrl.geometry.rotations import Array
from mimicrl.motions.reference import columns
from mimicrl.walkers.walker import Walker


class BodyState(NamedTuple):
    """The state of N simulations. It owns its arrays; those that the reference has too are views of `values`.

    The heading frame stands upright in the world and is turned with the root: x points where the root faces.

    Attributes:
        phase: Share of the motion's cycle in [0, 1), shape ``(N,)``.
        root_position_w: [m], shape ``(N, 3)``; the line to walk along is the world's x axis.
        root_quat_w: wxyz, shape ``(N, 4)``.
        yaw_rad: Heading against the line, shape ``(N,)``.
        pitch_rad: Forward lean, shape ``(N,)``.
        roll_rad: Lean to the right, shape ``(N,)``.
        upright: Cosine between the trunk's axis and the vertical, shape ``(N,)``.
        joint_angles_rad: Shape ``(N, J)``.
        root_velocity_w: [m/s], shape ``(N, 3)``.
        root_velocity_h: The same in the heading frame, shape ``(N, 3)``.
        root_angular_velocity_b: In the root's frame [rad/s], shape ``(N, 3)``.
        joint_velocities: [rad/s], shape ``(N, J)``.
        feet_h: End effectors relative to the root in the heading frame [m], flattened, shape ``(N, 3 E)``.
        values: All numbers that the reference has too, side by side as in `ReferenceFrame.values`, shape
            ``(N, 13 + 2 J + 3 E)``.
    """

    phase: Array
    root_position_w: Array
    root_quat_w: Array
    yaw_rad: Array
    pitch_rad: Array
    roll_rad: Array
    upright: Array
    joint_angles_rad: Array
    root_velocity_w: Array
    root_velocity_h: Array
    root_angular_velocity_b: Array
    joint_velocities: Array
    feet_h: Array
    values: Array


def measure(walker: Walker, phase: Array, qpos: Array, qvel: Array, site_xpos: Array) -> BodyState:
    """Compute the body state from the simulations' arrays.

    Args:
        walker: The walker simulated.
        phase: Shape ``(N,)``.
        qpos: Shape ``(N, nq)``.
        qvel: Shape ``(N, nv)``.
        site_xpos: World positions of all sites [m], shape ``(N, nsite, 3)``.
    """
    parts = columns(len(walker.joint_names), len(walker.end_effector_site_ids))
    values = np.empty((len(phase), parts[-1].stop))
    position, quat, angles, velocity, angular_velocity, joint_velocities, feet = (values[:, part] for part in parts)
    position[:], quat[:], angles[:] = qpos[:, 0:3], qpos[:, 3:7], qpos[:, walker.qpos_index]
    velocity[:], angular_velocity[:], joint_velocities[:] = qvel[:, 0:3], qvel[:, 3:6], qvel[:, walker.qvel_index]
    yaw, pitch, roll, upright = rotations.lean_and_heading(quat)
    # The root's velocity is turned along with the end effectors: one call for all vectors.
    vectors = np.empty((len(phase), 1 + len(walker.end_effector_site_ids), 3))
    vectors[:, 0] = velocity
    np.subtract(site_xpos.take(walker.end_effector_site_ids, axis=1), position[:, None], out=vectors[:, 1:])
    turned = in_heading_frame(vectors, np.cos(yaw), np.sin(yaw))
    feet[:] = turned[:, 1:].reshape(len(phase), -1)
    return BodyState(
        phase=phase.copy(),
        root_position_w=position,
        root_quat_w=quat,
        yaw_rad=yaw,
        pitch_rad=pitch,
        roll_rad=roll,
        upright=upright,
        joint_angles_rad=angles,
        root_velocity_w=velocity,
        root_velocity_h=turned[:, 0],
        root_angular_velocity_b=angular_velocity,
        joint_velocities=joint_velocities,
        feet_h=feet,
        values=values,
    )
