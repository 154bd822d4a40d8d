"""The reference trajectory: a clip on a walker, to be looked up at any phase by many simulations at once."""

from __future__ import annotations

import functools
import itertools
from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.geometry.heading import feet_in_heading_frame
from mimicrl.geometry.rotations import Array
from mimicrl.motions.clip import MotionClip
from mimicrl.walkers.walker import Walker

ROWS_PER_SECOND = 1000


class ReferenceFrame(NamedTuple):
    """The reference at one phase for each of N simulations.

    Attributes:
        root_position_w: Root position within the first cycle [m], shape ``(N, 3)``.
        root_quat_w: Root orientation wxyz, shape ``(N, 4)``.
        joint_angles_rad: Joint angles, shape ``(N, J)``.
        root_velocity_w: Linear velocity of the root [m/s], shape ``(N, 3)``.
        root_angular_velocity_b: Angular velocity of the root in its own frame [rad/s], shape ``(N, 3)``.
        joint_velocities: Joint velocities [rad/s], shape ``(N, J)``.
        feet_h: End effectors relative to the root, in its heading frame [m], flattened, shape ``(N, 3 E)``.
        clearance_m: Height of the lowest contact point above the floor [m], shape ``(N,)``.
        values: What stands before the clearance, side by side, shape ``(N, 13 + 2 J + 3 E)``; all are views of it.
    """

    root_position_w: Array
    root_quat_w: Array
    joint_angles_rad: Array
    root_velocity_w: Array
    root_angular_velocity_b: Array
    joint_velocities: Array
    feet_h: Array
    clearance_m: Array
    values: Array


class ReferenceTrajectory:
    """A table of the motion at 1 kHz, made once and never changed; lookups interpolate between its rows.

    Positions are cubic splines through the clip's frames (periodic for a wrapping clip) and velocities their
    derivatives, so both agree. Between rows, 1 ms apart, linear interpolation errs by less than 2e-5 rad.

    Args:
        clip: The motion, in the walker's joints and on the floor (see `mimicrl.motions.retarget.lay_out`).
        walker: The walker that follows it.

    Raises:
        MotionError: The clip's joints are not the walker's, or its root turns full circle within a cycle.

    Attributes:
        duration_s: Length of one cycle [s].
        displacement_m: Way forward in one cycle [m].
        speed_mps: The mean speed forward [m/s].
        mean_height_m: The mean height of the root [m].
        cyclic: Whether the motion repeats.
    """

    def __init__(self, clip: MotionClip, walker: Walker) -> None:
        if clip.joint_names != walker.joint_names:
            raise MotionError(
                "the clip belongs to another walker",
                where=clip.name,
                got=", ".join(clip.joint_names),
                expected=", ".join(walker.joint_names),
            )
        self.clip = clip
        self.cyclic = clip.loop == "wrap"
        self.duration_s = clip.duration_s
        self.displacement_m = float(clip.root_position_w[-1, 0] - clip.root_position_w[0, 0])
        self.speed_mps = self.displacement_m / self.duration_s
        self._intervals = max(1, round(self.duration_s * ROWS_PER_SECOND))
        frame = self._evaluate(np.linspace(0.0, self.duration_s, self._intervals + 1), walker)
        self._table = np.column_stack(frame)
        self._table.setflags(write=False)
        self._parts = columns(len(clip.joint_names), len(walker.end_effector_site_ids))
        self.mean_height_m = float(self.at_phase(np.linspace(0, 1, 200)).root_position_w[:, 2].mean())

    def at_phase(self, phase: Array) -> ReferenceFrame:
        """Look up the reference.

        Args:
            phase: Shares of the cycle in [0, 1], shape ``(N,)``.
        """
        place = phase * self._intervals
        row = np.minimum(place.astype(np.intp), self._intervals - 1)
        place -= row
        low, values = self._table.take(row, axis=0), self._table.take(row + 1, axis=0)
        values -= low
        values *= place[:, None]
        values += low
        parts = [values[:, part] for part in self._parts]
        quat = parts[1]
        quat /= np.sqrt(np.einsum("ij,ij->i", quat, quat))[:, None]
        return ReferenceFrame(*parts, clearance_m=values[:, -1], values=values[:, :-1])

    def at_time(self, time_s: Array) -> ReferenceFrame:
        """Look up the reference at times [s], shape ``(N,)``; a cyclic one walks on beyond its first cycle."""
        cycles = np.asarray(time_s, float) / self.duration_s
        if not self.cyclic:
            return self.at_phase(np.clip(cycles, 0.0, 1.0))
        whole = np.floor(cycles)
        frame = self.at_phase(cycles - whole)
        frame.root_position_w[:, 0] += whole * self.displacement_m
        return frame

    def _evaluate(self, times_s: Array, walker: Walker) -> tuple[Array, ...]:
        clip = self.clip
        forward = np.array([self.speed_mps, 0.0, 0.0])
        surge = clip.root_position_w - clip.times_s[:, None] * forward
        quat = rotations.make_continuous(rotations.normalize(clip.root_quat_w))
        joints = clip.joint_angles_rad
        if self.cyclic:
            if quat[0] @ quat[-1] < 0:
                raise MotionError("the root turns full circle within one cycle", where=clip.name)
            surge, quat, joints = _close_loop(clip.times_s, surge, quat, joints)
        position, velocity = self._spline(surge, times_s)
        angles, angle_rates = self._spline(joints, times_s)
        raw, raw_rate = self._spline(quat, times_s)
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        # Of the spline's rate only the part across the unit sphere turns the root: 2 q* dq/dt (Diebel 2006, eq. 161).
        angular = 2.0 * rotations.multiply(rotations.conjugate(raw / length), raw_rate / length)[:, 1:]
        position = position + times_s[:, None] * forward
        qpos = walker.assemble_qpos(position, raw / length, angles)
        _, heights = walker.foot_kinematics(qpos)
        return (
            position,
            raw / length,
            angles,
            velocity + forward,
            angular,
            angle_rates,
            feet_in_heading_frame(walker.end_effector_positions(qpos), position, rotations.yaw(raw)),
            heights.min(axis=1),
        )

    def _spline(self, values: Array, times_s: Array) -> tuple[Array, Array]:
        """Interpolate frames, shape ``(T, C)``; return values and rates at `times_s`."""
        if self.cyclic:
            values = np.vstack([values[:-1], values[:1]])
        spline = CubicSpline(self.clip.times_s, values, bc_type="periodic" if self.cyclic else "not-a-knot")
        return spline(times_s), spline(times_s, 1)


@functools.cache
def columns(joints: int, end_effectors: int) -> tuple[slice, ...]:
    """Return where in `ReferenceFrame.values` each of the arrays stands that are views of it.

    Args:
        joints: Number of joints J.
        end_effectors: Number of end effectors E.
    """
    ends = itertools.accumulate((3, 4, joints, 3, 3, joints, 3 * end_effectors), initial=0)
    return tuple(slice(*pair) for pair in itertools.pairwise(ends))


def _close_loop(times_s: Array, position: Array, quat: Array, angles: Array) -> tuple[Array, Array, Array]:
    """Spread the small gap between the ends of a loop evenly over it; only the way forward stays open."""
    share = (times_s / times_s[-1])[:, None]
    position_gap = (position[-1] - position[0]) * [0.0, 1.0, 1.0]
    turn_gap = rotations.to_rotation_vector(rotations.multiply(rotations.conjugate(quat[0]), quat[-1]))
    return (
        position - share * position_gap,
        rotations.make_continuous(rotations.multiply(quat, rotations.from_rotation_vector(-share * turn_gap))),
        angles - share * (angles[-1] - angles[0]),
    )
