"""DRLoco step files (MATLAB 5), such as its straight walk at constant speed.

Format: the files of DRLoco (Galljamov et al., Humanoids 2022). The variable ``Data`` is a row of cells. Each holds one
step, from the touchdown of one foot to that of the other, as 38 rows of T samples; steps with the right and the left
leg in swing alternate. Axes are x forward, y left, z up; hip flexion and dorsiflexion are negative.

======  ==============================================================================================
rows    content (m, rad, m/s, rad/s)
======  ==============================================================================================
0-2     position of the centre of mass; x starts at 0 in every cell
3-6     orientation of the trunk, quaternion wxyz
7-10    right hip in the frontal plane (about x) and the sagittal plane (about y), knee, ankle (about y)
11-14   the same of the left leg
15-17   velocity of the centre of mass
18-20   angular velocity of the trunk
21-28   velocities of 7-14
29-34   left and right foot, relative to the centre of mass
35-37   Euler angles of the trunk
======  ==============================================================================================

The sampling rate is not stored, and one in a file's name may be wrong. Stored velocities are the rate times the
positions' differences between samples; that tells it.

The recording becomes one stride: the mean over all steps of each side, time-normalised, first the left leg's swing
(from the right heel strike on), then the right's. The mean is what gait analysis describes a subject by (Winter, Human
Movement Science 3:51-76, 1984), and it closes: a single stride of that walk ends up to 8° from where it began, the
mean one 2°. That rest is bent away on both sides of the join, in value and in rate. Averaging costs the knee 0.2° of
its peak.

The centre of mass stands for the root.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.geometry.rotations import Array
from mimicrl.motions.checks import check_finite, check_unit_length
from mimicrl.motions.formats import head
from mimicrl.motions.formats._matlab import read_cells
from mimicrl.motions.retarget import Recording

WHAT = "DRLoco steps"
ENDINGS = (".mat",)
LOOKS_FOR = "a MATLAB file, which must have a variable Data of cells"

ROWS = 38
FRAMES_PER_STEP = 100
MIN_SAMPLES = 10
# Share of the rate by which a channel's own estimate may differ from the median of all.
_RATE_TOLERANCE = 0.05
# Share of the stride, before and after a join, over which a gap is bent away.
_BLEND_SHARE = 0.05
_TRUNK_QUAT = slice(3, 7)
_POSES = slice(0, 15)
_POSITION_ROWS = [0, 1, 2, *range(7, 15)]
_VELOCITY_ROWS = [15, 16, 17, *range(21, 29)]
_KNEE_VELOCITY = {"right": 23, "left": 27}
_HIP_FRONTAL = {"r": 7, "l": 11}
# Thigh and shank of the body that the angles were fitted to, .5 m each.
_LEG_LENGTH_M = 1.0
_X, _Y = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def sniff(path: Path) -> bool:
    """Return whether a file has the header of MATLAB 5, or of 7.3, which `read` refuses with what to do about it."""
    return head(path)[124:128] in (b"\x00\x01IM", b"\x01\x00MI", b"\x00\x02IM", b"\x02\x00MI")


def read(path: Path) -> Recording:
    """Read a file and make its mean stride.

    Raises:
        MotionError: It is no MATLAB file of steps, has another layout, a number that is not finite, steps that do not
            alternate between the legs, or velocities that do not belong to its positions.
    """
    steps = _steps(path)
    rate_hz = _sampling_rate_hz(steps, path)
    swings = _swing_legs(steps, path)
    times_s, stride = _mean_stride(steps, swings, rate_hz)
    joints: dict[str, Array] = {}
    for side, row in _HIP_FRONTAL.items():
        frontal, sagittal, knee, ankle = stride[:, row : row + 4].T
        # The hinges of the body that the angles were fitted to: first sagittal, then frontal, on both sides about +x.
        joints[f"hip_{side}"] = rotations.multiply(
            rotations.from_axis_angle(_Y, sagittal), rotations.from_axis_angle(_X, frontal)
        )
        joints[f"knee_{side}"] = rotations.from_axis_angle(_Y, knee)
        joints[f"ankle_{side}"] = rotations.from_axis_angle(_Y, ankle)
    return Recording(
        name=path.stem,
        times_s=times_s,
        root_position_w=stride[:, :3],
        root_quat_w=rotations.normalize(stride[:, _TRUNK_QUAT]),
        rotations=joints,
        leg_length_m=_LEG_LENGTH_M,
        loop="wrap",
    )


def _steps(path: Path) -> list[Array]:
    """Return the steps, arrays of shape ``(38, T)``."""
    steps = read_cells(path, "Data")
    if len(steps) < 2:
        what = "not a DRLoco motion: Data is no row of steps"
        raise MotionError(what, where=path, got=(1, len(steps)), expected="(1, at least 2)")
    # Places are named as MATLAB counts, from 1.
    for index, step in enumerate(steps, start=1):
        where = f"{path}, Data{{{index}}}"
        if step.ndim != 2 or step.shape[0] != ROWS or step.shape[1] < MIN_SAMPLES:
            expected = f"({ROWS}, at least {MIN_SAMPLES})"
            raise MotionError("a step has the wrong shape", where=where, got=step.shape, expected=expected)
        check_finite(step, lambda row, sample, where=where: f"{where}({row + 1}, {sample + 1})")
        check_unit_length(step[_TRUNK_QUAT].T, lambda sample, where=where: f"{where}, sample {sample + 1}")
    return steps


def _sampling_rate_hz(steps: list[Array], path: Path) -> int:
    """Return the rate at which the positions were sampled: the slope of velocities over position differences.

    A difference over two samples is the integral of the velocity in between, by Simpson's rule.
    """
    with np.errstate(all="ignore"):  # absurd numbers overflow, and are refused as such
        changes = np.hstack([step[_POSITION_ROWS, 2:] - step[_POSITION_ROWS, :-2] for step in steps]) / 2
        velocities = (step[_VELOCITY_ROWS] for step in steps)
        means = np.hstack([(each[:, :-2] + 4 * each[:, 1:-1] + each[:, 2:]) / 6 for each in velocities])
        squares = np.einsum("it,it->i", changes, changes)
        rates = np.einsum("it,it->i", changes, means) / squares
        rate = float(np.median(rates))
        errors = np.abs(rates / rate - 1)
    if not squares.all():
        row = _POSITION_ROWS[int(np.argmin(squares))]
        raise MotionError("no sampling rate to be found: a position never changes", where=f"{path}, row {row + 1}")
    if not (rate >= 1 and errors.max() <= _RATE_TOLERANCE):
        worst = int(np.argmax(errors))
        raise MotionError(
            "velocities do not belong to the positions: no common sampling rate",
            where=f"{path}, row {_VELOCITY_ROWS[worst] + 1}",
            got=f"{rates[worst]:.1f} Hz",
            expected=f"the median of all rows, {rate:.1f} Hz, within {_RATE_TOLERANCE:.0%}",
        )
    return round(rate)


def _swing_legs(steps: list[Array], path: Path) -> list[str]:
    """Return the leg that swings in each step, whose knee bends faster than the other's."""
    swings = [max(_KNEE_VELOCITY, key=lambda leg: step[_KNEE_VELOCITY[leg]].max()) for step in steps]
    for index, (before, after) in enumerate(itertools.pairwise(swings), start=2):
        if before == after:
            where, got = f"{path}, Data{{{index}}}", f"the {after} leg swinging again"
            raise MotionError("steps must alternate between the legs", where=where, got=got)
    return swings


def _mean_stride(steps: list[Array], swings: list[str], rate_hz: int) -> tuple[Array, Array]:
    """Average the steps of each side and join them to a stride that closes, but for its way forward.

    Returns:
        Times [s], shape ``(T,)``, and rows 0 to 14 of the file, shape ``(T, 15)``.
    """
    near_quat = steps[0][_TRUNK_QUAT, 0]
    times: dict[str, Array] = {}
    means: dict[str, Array] = {}
    for leg in _KNEE_VELOCITY:
        own = [step for step, swing in zip(steps, swings, strict=True) if swing == leg]
        # A step's last sample is the next one's first.
        duration_s = float(np.mean([step.shape[1] - 1 for step in own])) / rate_hz
        times[leg] = duration_s * np.linspace(0, 1, FRAMES_PER_STEP + 1)
        means[leg] = np.mean([_time_normalized(step, near_quat) for step in own], axis=0)
    width_s = _BLEND_SHARE * (times["left"][-1] + times["right"][-1])
    left_end, right_start = _bends(means["left"], times["left"], means["right"], times["right"], width_s)
    right_end, left_start = _bends(means["right"], times["right"], means["left"], times["left"], width_s)
    left = means["left"] + left_start + left_end
    right = means["right"] + right_start + right_end
    right[:, 0] += left[-1, 0]
    return np.concatenate([times["left"], times["left"][-1] + times["right"][1:]]), np.vstack([left, right[1:]])


def _time_normalized(step: Array, near_quat: Array) -> Array:
    """Return the poses of a step at evenly spread shares of its duration, shape ``(101, 15)``."""
    poses = step[_POSES].T.copy()
    poses[:, 0] -= poses[0, 0]
    # A quaternion and its negative are one orientation; their mean would be none.
    poses[:, _TRUNK_QUAT] *= np.where(poses[:, _TRUNK_QUAT] @ near_quat < 0, -1.0, 1.0)[:, None]
    return CubicSpline(np.linspace(0, 1, len(poses)), poses)(np.linspace(0, 1, FRAMES_PER_STEP + 1))


def _bends(
    before: Array, before_times_s: Array, after: Array, after_times_s: Array, width_s: float
) -> tuple[Array, Array]:
    """Return what to add to two successive curves so that they meet halfway, in value and in rate.

    The additions fade to 0 at `width_s` from the join. The way forward starts at 0 in every step, so that of its column
    only the rate has a gap.
    """
    gap = after[0] - before[-1]
    gap[0] = 0.0
    rate_gap = (
        np.gradient(after, after_times_s, axis=0, edge_order=2)[0]
        - np.gradient(before, before_times_s, axis=0, edge_order=2)[-1]
    )
    end_value, end_rate = _fades(before_times_s[-1] - before_times_s, width_s)
    start_value, start_rate = _fades(after_times_s, width_s)
    return (
        0.5 * (end_value * gap - end_rate * rate_gap),
        -0.5 * (start_value * gap + start_rate * rate_gap),
    )


def _fades(distance_s: Array, width_s: float) -> tuple[Array, Array]:
    """Return the two cubic Hermite polynomials that have value 1 or rate 1 at the join and else 0, shape ``(T, 1)``."""
    left = np.clip(1 - distance_s[:, None] / width_s, 0.0, 1.0)
    square = left * left
    return square * (3 - 2 * left), width_s * square * (1 - left)
