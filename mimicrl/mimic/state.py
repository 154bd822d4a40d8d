"""What the MDP's functions are given: the measured state of N simulations, computed once a step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl import rotations
from mimicrl.motions.reference import feet_in_heading_frame
from mimicrl.rotations import Array
from mimicrl.walkers.walker import Walker


class BodyState(NamedTuple):
    """The state of N simulations. Every array is contiguous and owned by this object.

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
        feet_h: Foot sites relative to the root in the heading frame [m], flattened, shape ``(N, 12)``.
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


def measure(walker: Walker, phase: Array, qpos: Array, qvel: Array, site_xpos: Array) -> BodyState:
    """Compute the body state from the simulations' arrays.

    Args:
        walker: The walker simulated.
        phase: Shape ``(N,)``.
        qpos: Shape ``(N, nq)``.
        qvel: Shape ``(N, nv)``.
        site_xpos: World positions of all sites [m], shape ``(N, nsite, 3)``.
    """
    position = np.ascontiguousarray(qpos[:, 0:3])
    quat = np.ascontiguousarray(qpos[:, 3:7])
    velocity = np.ascontiguousarray(qvel[:, 0:3])
    yaw = rotations.yaw(quat)
    cosine, sine = np.cos(yaw), np.sin(yaw)
    heading_velocity = velocity.copy()
    heading_velocity[:, 0] = cosine * velocity[:, 0] + sine * velocity[:, 1]
    heading_velocity[:, 1] = cosine * velocity[:, 1] - sine * velocity[:, 0]
    return BodyState(
        phase=phase.copy(),
        root_position_w=position,
        root_quat_w=quat,
        yaw_rad=yaw,
        pitch_rad=rotations.pitch(quat),
        roll_rad=rotations.roll(quat),
        upright=rotations.upright(quat),
        joint_angles_rad=np.ascontiguousarray(qpos[:, walker.qpos_index]),
        root_velocity_w=velocity,
        root_velocity_h=heading_velocity,
        root_angular_velocity_b=np.ascontiguousarray(qvel[:, 3:6]),
        joint_velocities=np.ascontiguousarray(qvel[:, walker.qvel_index]),
        feet_h=feet_in_heading_frame(site_xpos[:, walker.foot_site_ids], position, yaw),
    )
