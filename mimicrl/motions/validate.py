"""Is a clip sane on its walker? The numbers that tell, and the refusal of what cannot be a walk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.motions.retarget import leg_length
from mimicrl.walkers.walker import Walker

# Instants, evenly spread, that an inspection looks at.
_SAMPLES = 400
# A foot site this close to the floor, or lower, should stand still [m].
_CONTACT_M = 0.01
MAX_PENETRATION_M = 0.1
MAX_JOINT_RANGE_RAD = 2 * np.pi
MAX_SPEED_MPS = 12.0


@dataclass(frozen=True)
class JointRange:
    """A joint's motion in a clip.

    Attributes:
        name: The joint.
        low_rad: Smallest angle.
        high_rad: Largest angle.
        limit_low_rad: Lower limit of the walker.
        limit_high_rad: Upper limit of the walker.
        peak_velocity: Largest speed [rad/s].
        seam_gap_rad: Jump between the ends of the loop.
    """

    name: str
    low_rad: float
    high_rad: float
    limit_low_rad: float
    limit_high_rad: float
    peak_velocity: float
    seam_gap_rad: float

    @property
    def violation_rad(self) -> float:
        """How far the motion exceeds the joint's limits."""
        return max(0.0, self.limit_low_rad - self.low_rad, self.high_rad - self.limit_high_rad)


@dataclass(frozen=True)
class Inspection:
    """What there is to know about a clip on a walker.

    Attributes:
        name: The clip.
        loop: Its loop mode.
        frames: Number of frames.
        rate_hz: Mean frame rate.
        duration_s: Length of the clip or of one cycle.
        speed_mps: Net speed.
        root_height_m: Lowest and highest root.
        root_tilt_rad: Largest lean of the trunk from the vertical.
        foot_skate_mps: Mean horizontal speed of the stillest foot site on the floor; 0 when no foot slides.
        penetration_m: How deep the feet sink into the floor at worst.
        float_m: How high the lowest foot is above the floor at worst.
        joints: One row a joint.
    """

    name: str
    loop: str
    frames: int
    rate_hz: float
    duration_s: float
    speed_mps: float
    root_height_m: tuple[float, float]
    root_tilt_rad: float
    foot_skate_mps: float
    penetration_m: float
    float_m: float
    joints: tuple[JointRange, ...]

    def describe(self) -> str:
        """Return the inspection as lines of text."""
        lines = [
            f"{self.name}: {self.frames} frames at {self.rate_hz:.1f} Hz, {self.duration_s:.3f} s, loop {self.loop}",
            f"speed           {self.speed_mps:.3f} m/s",
            f"root height     {self.root_height_m[0]:.3f} to {self.root_height_m[1]:.3f} m",
            f"trunk lean      at most {np.degrees(self.root_tilt_rad):.1f}°",
            f"foot skate      {self.foot_skate_mps:.3f} m/s",
            f"feet            {1000 * self.penetration_m:.1f} mm below to {1000 * self.float_m:.1f} mm above the floor",
            f"{'joint':<24}{'range':>18}{'limits':>18}{'beyond':>9}{'peak':>12}{'seam gap':>10}",
        ]
        for joint in self.joints:
            low, high, low_limit, high_limit, beyond, gap = np.degrees(
                [
                    joint.low_rad,
                    joint.high_rad,
                    joint.limit_low_rad,
                    joint.limit_high_rad,
                    joint.violation_rad,
                    joint.seam_gap_rad,
                ]
            )
            lines.append(
                f"{joint.name:<24}{f'{low:.1f} to {high:.1f}°':>18}{f'{low_limit:.0f} to {high_limit:.0f}°':>18}"
                f"{f'{beyond:.1f}°':>9}{f'{joint.peak_velocity:.1f} rad/s':>12}{f'{gap:.1f}°':>10}"
            )
        return "\n".join(lines)


def inspect(clip: MotionClip, walker: Walker) -> Inspection:
    """Measure a clip that lies on the walker's floor."""
    reference = ReferenceTrajectory(clip, walker)
    times = np.linspace(0.0, clip.duration_s, _SAMPLES, endpoint=False)
    frame = reference.at_time(times)
    qpos = walker.qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    sites, heights = walker.kinematics(qpos)
    gaps = np.abs(clip.joint_angles_rad[-1] - clip.joint_angles_rad[0])
    joints = tuple(
        JointRange(
            name=name,
            low_rad=float(frame.joint_angles_rad[:, j].min()),
            high_rad=float(frame.joint_angles_rad[:, j].max()),
            limit_low_rad=float(walker.joint_range_rad[j, 0]),
            limit_high_rad=float(walker.joint_range_rad[j, 1]),
            peak_velocity=float(np.abs(frame.joint_velocities[:, j]).max()),
            seam_gap_rad=float(gaps[j]),
        )
        for j, name in enumerate(walker.joint_names)
    )
    return Inspection(
        name=clip.name,
        loop=clip.loop,
        frames=len(clip.times_s),
        rate_hz=(len(clip.times_s) - 1) / clip.duration_s,
        duration_s=clip.duration_s,
        speed_mps=clip.speed_mps,
        root_height_m=(float(frame.root_position_w[:, 2].min()), float(frame.root_position_w[:, 2].max())),
        root_tilt_rad=float(np.arccos(np.clip(rotations.upright(frame.root_quat_w), -1, 1)).max()),
        foot_skate_mps=_foot_skate(sites, times[1]),
        penetration_m=float(max(0.0, -heights.min())),
        float_m=float(max(0.0, heights.min(axis=1).max())),
        joints=joints,
    )


def refuse_implausible(clip: MotionClip, walker: Walker) -> None:
    """Refuse a clip in wrong units or of another body before anything is trained on it.

    Raises:
        MotionError: Joint ranges, root height, speed or ground contact cannot belong to a walking body.
    """
    found = inspect(clip, walker)
    widest = max(found.joints, key=lambda joint: joint.high_rad - joint.low_rad)
    standing = leg_length(walker)
    problem = None
    if widest.high_rad - widest.low_rad > MAX_JOINT_RANGE_RAD:
        problem = (
            f"joint {widest.name}",
            f"a range of {widest.high_rad - widest.low_rad:.1f} rad",
            "are these degrees?",
        )
    elif not 0.4 * standing < found.root_height_m[0] <= found.root_height_m[1] < 2.5 * standing:
        problem = (
            "the root's height",
            f"{found.root_height_m[0]:.2f} to {found.root_height_m[1]:.2f} m",
            "are these metres?",
        )
    elif found.speed_mps > MAX_SPEED_MPS:
        problem = ("speed", f"{found.speed_mps:.1f} m/s", "check the frame rate and the unit of length")
    elif found.penetration_m > MAX_PENETRATION_M:
        problem = (
            "the feet",
            f"{found.penetration_m:.2f} m below the floor",
            "check the unit of length and the up axis",
        )
    if problem:
        where, got, fix = problem
        raise MotionError("the motion cannot be a walk", where=f"{clip.name}, {where}", got=got, fix=fix)


def _foot_skate(sites: np.ndarray, dt: float) -> float:
    """Return the mean horizontal speed [m/s] of the stillest foot site among those on the floor."""
    velocity = np.gradient(sites, dt, axis=0)[1:-1]
    speed = np.hypot(velocity[:, :, 0], velocity[:, :, 1])
    speed[sites[1:-1, :, 2] > _CONTACT_M] = np.inf
    stillest = speed.min(axis=1)
    return float(stillest[np.isfinite(stillest)].mean()) if np.isfinite(stillest).any() else 0.0
