"""From a recording of some skeleton to a clip of a given walker.

A recording holds the rotation of each body part relative to its parent. The walker knows which of its hinges make up
the same anatomical joint, and the rotation is decomposed exactly along their axes. Then the clip is
laid on the floor, along the x axis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from mimicrl.errors import MotionError, WalkerError
from mimicrl.geometry import rotations
from mimicrl.geometry.rotations import Array
from mimicrl.motions.clip import Loop, MotionClip
from mimicrl.walkers.metadata import SUFFIXES
from mimicrl.walkers.walker import Walker

# Of all frames, this share may have its lowest foot point below the floor: recordings press a rigid sole into it.
_SUNK_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded motion in the axes of this project (x forward, y left, z up), before it meets a walker.

    Attributes:
        name: What the recording is called.
        times_s: Times [s], shape ``(T,)``.
        root_position_w: Root position [m], shape ``(T, 3)``.
        root_quat_w: Root orientation wxyz, shape ``(T, 4)``.
        rotations: For each anatomical joint, such as ``hip_r``, the child's orientation in its parent, wxyz, shape
            ``(T, 4)``; the identity is standing straight.
        leg_length_m: Thigh plus shank of the recorded skeleton [m].
        loop: ``wrap`` or ``none``.
    """

    name: str
    times_s: Array
    root_position_w: Array
    root_quat_w: Array
    rotations: Mapping[str, Array]
    leg_length_m: float
    loop: Loop


def retarget(recording: Recording, walker: Walker) -> MotionClip:
    """Turn a recording into a clip of `walker`.

    Lengths scale with the legs and times with their square root, which keeps the Froude number (Alexander,
    Physiol. Rev. 69(4), 1989).

    Raises:
        MotionError: The recording has none of the walker's joints, or is malformed.
    """
    angles = np.zeros((len(recording.times_s), len(walker.joint_names)))
    matched = {joint: hinges for joint in recording.rotations if (hinges := _hinges(walker, joint))}
    _check_common(recording.name, matched, recording.rotations, walker)
    for joint, hinges in matched.items():
        axes = walker.model.jnt_axis[walker.model.actuator_trnid[hinges, 0]]
        angles[:, hinges] = hinge_angles(recording.rotations[joint], axes)
    scale = leg_length(walker) / recording.leg_length_m
    clip = MotionClip(
        name=recording.name,
        times_s=(recording.times_s - recording.times_s[0]) * np.sqrt(scale),
        root_position_w=recording.root_position_w * scale,
        root_quat_w=recording.root_quat_w,
        joint_names=walker.joint_names,
        joint_angles_rad=np.unwrap(angles, axis=0),
        loop=recording.loop,
    )
    return lay_out(clip, walker)


def lay_out(clip: MotionClip, walker: Walker) -> MotionClip:
    """Match a clip to the walker's joints, turn it along +x from the origin, set it on the floor.

    Raises:
        MotionError: The clip and the walker have no joint in common.
    """
    common = [name for name in walker.joint_names if name in clip.joint_names]
    _check_common(clip.name, common, clip.joint_names, walker)
    angles = np.zeros((len(clip.times_s), len(walker.joint_names)))
    for name in common:
        angles[:, walker.joint_names.index(name)] = clip.joint_angles_rad[:, clip.joint_names.index(name)]
    position, quat = _along_x(clip)
    quat = rotations.make_continuous(quat)
    _, heights = walker.foot_kinematics(walker.assemble_qpos(position, quat, angles))
    position[:, 2] -= np.quantile(heights.min(axis=1), _SUNK_SHARE)
    return dataclasses.replace(
        clip,
        root_position_w=position,
        root_quat_w=quat,
        joint_names=walker.joint_names,
        joint_angles_rad=angles,
    )


def hinge_angles(rotation: Array, axes: Array) -> Array:
    """Decompose rotations along the hinges of one joint, in their order.

    Three hinges are Euler angles. With two, the rotation about the third axis is dropped; in the order flexion,
    adduction this is the turn about the limb's own long axis, so the limb keeps its direction exactly. One
    hinge takes the twist about its axis.

    Args:
        rotation: Child orientations in the parent, wxyz, shape ``(T, 4)``.
        axes: Unit axes of 1 to 3 hinges, each along a coordinate axis and all different, shape ``(H, 3)``.

    Returns:
        Angles [rad], shape ``(T, H)``.

    Raises:
        WalkerError: An axis is not along a coordinate axis.
    """
    if len(axes) == 1:
        return rotations.twist_angle(rotation, axes[0])[:, None]
    places = np.abs(axes).argmax(axis=1)
    if np.abs(axes[np.arange(len(axes)), places]).min() < 1 - 1e-9 or len(set(places)) != len(axes):
        raise WalkerError("a joint's hinges must be orthogonal and along the coordinate axes", got=axes.tolist())
    order = [*places, *({0, 1, 2} - set(places))]
    euler = Rotation.from_quat(rotation, scalar_first=True).as_euler("".join("XYZ"[place] for place in order))
    return euler[:, : len(axes)] * axes[np.arange(len(axes)), places]


def leg_length(walker: Walker) -> float:
    """Return the walker's distance from hip to ankle [m] with a straight leg."""
    data = mujoco.MjData(walker.model)
    mujoco.mj_kinematics(walker.model, data)
    foot = walker.model.site_bodyid[walker.foot_site_ids[0]]
    return float(data.xpos[walker.model.body_rootid[foot], 2] - data.xpos[foot, 2])


def _check_common(name: str, common: Collection[str], joints: Iterable[str], walker: Walker) -> None:
    if not common:
        raise MotionError(
            "the motion and the walker have no joint in common",
            where=name,
            got=", ".join(joints),
            expected=", ".join(walker.joint_names),
        )


def _hinges(walker: Walker, joint: str) -> list[int]:
    """Return the walker's hinges of an anatomical joint such as ``hip_r`` or ``chest``."""
    side = SUFFIXES.get(joint[-2:], "middle")
    return walker.hinges(joint if side == "middle" else joint[:-2], side)


def _along_x(clip: MotionClip) -> tuple[Array, Array]:
    """Turn the clip so that it travels along +x; one that stays in place keeps its first heading along +x."""
    travel = clip.root_position_w[-1, :2] - clip.root_position_w[0, :2]
    heading = np.arctan2(travel[1], travel[0]) if np.hypot(*travel) > 0.1 else rotations.yaw(clip.root_quat_w[0])
    turn = rotations.from_yaw(-np.asarray(heading))
    position = rotations.rotate(turn, clip.root_position_w)
    position[:, 0] -= position[0, 0]
    position[:, 1] -= position[:, 1].mean()
    return position, rotations.multiply(turn, clip.root_quat_w)
