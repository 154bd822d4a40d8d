"""Whether a motion on its walker can be a walk: the numbers that tell, and the refusal of what cannot be one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.geometry.rotations import Array
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.motions.retarget import leg_length
from mimicrl.walkers.walker import Walker

# Instants, evenly spread over the motion, at which it is measured.
_SAMPLES = 400
# A foot site this close to the floor, or lower, should stand still [m].
_CONTACT_M = 0.01
MAX_PENETRATION_M = 0.1
MAX_JOINT_RANGE_RAD = 2 * np.pi
MAX_SPEED_MPS = 12.0


@dataclass(frozen=True, eq=False)
class Assessment:
    """What a motion is like on a walker.

    Attributes:
        clip: The motion.
        walker: The walker, with its J joints and their limits.
        leg_length_m: Length of the walker's straight leg.
        root_height_m: Lowest and highest root.
        root_tilt_rad: Largest lean of the trunk from the vertical.
        foot_skate_mps: Mean horizontal speed of the stillest foot site on the floor; 0 when no foot slides.
        penetration_m: How deep the feet sink into the floor at worst.
        float_m: How high the lowest foot is above the floor at worst.
        joint_range_rad: Smallest and largest angle of each joint, shape ``(J, 2)``.
        peak_velocity_rad_s: Largest speed of each joint, shape ``(J,)``.
        beyond_limits_rad: How far each joint exceeds its limits, shape ``(J,)``.
        seam_gap_rad: Jump of each joint between the ends of the clip, shape ``(J,)``.
    """

    clip: MotionClip
    walker: Walker
    leg_length_m: float
    root_height_m: tuple[float, float]
    root_tilt_rad: float
    foot_skate_mps: float
    penetration_m: float
    float_m: float
    joint_range_rad: Array
    peak_velocity_rad_s: Array
    beyond_limits_rad: Array
    seam_gap_rad: Array


def assess(reference: ReferenceTrajectory, walker: Walker) -> Assessment:
    """Measure a motion that lies on the walker's floor."""
    clip = reference.clip
    times = np.linspace(0.0, clip.duration_s, _SAMPLES, endpoint=False)
    frame = reference.at_time(times)
    qpos = walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    sites, heights = walker.foot_kinematics(qpos)
    height, angles, limits = frame.root_position_w[:, 2], frame.joint_angles_rad, walker.joint_range_rad
    return Assessment(
        clip=clip,
        walker=walker,
        leg_length_m=leg_length(walker),
        root_height_m=(float(height.min()), float(height.max())),
        root_tilt_rad=float(np.arccos(np.clip(rotations.lean_and_heading(frame.root_quat_w)[3], -1, 1)).max()),
        foot_skate_mps=_foot_skate(sites, times[1]),
        penetration_m=float(max(0.0, -heights.min())),
        float_m=float(max(0.0, heights.min(axis=1).max())),
        joint_range_rad=np.column_stack([angles.min(axis=0), angles.max(axis=0)]),
        peak_velocity_rad_s=np.abs(frame.joint_velocities).max(axis=0),
        beyond_limits_rad=np.maximum(limits[:, 0] - angles, angles - limits[:, 1]).max(axis=0).clip(min=0.0),
        seam_gap_rad=np.abs(clip.joint_angles_rad[-1] - clip.joint_angles_rad[0]),
    )


def refuse_implausible(found: Assessment) -> None:
    """Refuse a motion in wrong units or of another body before anything is trained on it.

    Raises:
        MotionError: Joint ranges, root height, speed or ground contact cannot belong to a walking body.
    """
    ranges = np.ptp(found.joint_range_rad, axis=1)
    widest = int(ranges.argmax())
    low, high = found.root_height_m
    speed, depth, leg = found.clip.speed_mps, found.penetration_m, found.leg_length_m

    def require(plausible: bool, where: str, got: str, fix: str) -> None:
        if not plausible:
            raise MotionError("the motion cannot be a walk", where=f"{found.clip.name}, {where}", got=got, fix=fix)

    joint, turn = f"joint {found.walker.joint_names[widest]}", ranges[widest]
    require(turn <= MAX_JOINT_RANGE_RAD, joint, f"a range of {turn:.1f} rad", "are these degrees?")
    height = f"{low:.2f} to {high:.2f} m"
    require(0.4 * leg < low <= high < 2.5 * leg, "the root's height", height, "are these metres?")
    require(speed <= MAX_SPEED_MPS, "speed", f"{speed:.1f} m/s", "check the frame rate and the unit of length")
    deep = f"{depth:.2f} m below the floor"
    require(depth <= MAX_PENETRATION_M, "the feet", deep, "check the unit of length and the up axis")


def _foot_skate(sites: Array, dt: float) -> float:
    """Return the mean horizontal speed [m/s] of the stillest foot site among those on the floor."""
    velocity = np.gradient(sites, dt, axis=0)[1:-1]
    speed = np.hypot(velocity[:, :, 0], velocity[:, :, 1])
    speed[sites[1:-1, :, 2] > _CONTACT_M] = np.inf
    stillest = speed.min(axis=1)
    return float(stillest[np.isfinite(stillest)].mean()) if np.isfinite(stillest).any() else 0.0
