"""Observations: named terms, each with its numbers' meanings, bounds and mirror images.

All terms are invariant to where the walker is and which way it faces; only ``line_deviation`` relates it to the
line it should walk along (the world's x axis).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mimicrl.mimic.state import BodyState
from mimicrl.rotations import Array
from mimicrl.walkers.walker import Walker

MAX_VELOCITY_MPS = 20.0
MAX_RATE_RAD_S = 100.0
# How far a joint may be pushed beyond its (soft) limits before the observation saturates.
_JOINT_MARGIN_RAD = 0.5


@dataclass(frozen=True)
class Row:
    """One number of an observation.

    Attributes:
        meaning: What it is.
        unit: Its unit.
        joint: The joint it belongs to, or an empty text.
        low: Smallest value; smaller ones are clipped.
        high: Largest value.
    """

    meaning: str
    unit: str
    joint: str
    low: float
    high: float


@dataclass(frozen=True)
class Term:
    """A block of an observation.

    Attributes:
        rows: What its numbers mean, length k.
        compute: Returns the block, shape ``(N, k)``, of a body state.
        mirror_index: For each number the one that takes its place in the mirror, shape ``(k,)``.
        mirror_sign: And its sign there, shape ``(k,)``.
    """

    rows: tuple[Row, ...]
    compute: Callable[[BodyState], Array]
    mirror_index: np.ndarray
    mirror_sign: Array


def _plain(rows: list[Row], compute: Callable[[BodyState], Array], sign: list[float]) -> Term:
    return Term(tuple(rows), compute, np.arange(len(rows)), np.array(sign))


def _columns(*columns: Array) -> Array:
    return np.array(columns).T  # a third of np.stack's time


def _phase(walker: Walker, speed_mps: float) -> Term:
    rows = [Row(f"{name} of the phase", "1", "", -1, 1) for name in ("sine", "cosine")]

    def compute(state: BodyState) -> Array:
        angle = 2 * np.pi * state.phase
        return _columns(np.sin(angle), np.cos(angle))

    # Half a cycle later both change their sign; the sides of a walk swap with it.
    return _plain(rows, compute, [-1, -1])


def _root_height(walker: Walker, speed_mps: float) -> Term:
    return _plain([Row("height of the root", "m", "root", 0, 3)], lambda state: state.root_position_w[:, 2:3], [1])


def _root_tilt(walker: Walker, speed_mps: float) -> Term:
    rows = [
        Row("forward lean (pitch)", "rad", "root", -np.pi / 2, np.pi / 2),
        Row("lean to the right (roll)", "rad", "root", -np.pi, np.pi),
    ]
    return _plain(rows, lambda state: _columns(state.pitch_rad, state.roll_rad), [1, -1])


def _line_deviation(walker: Walker, speed_mps: float) -> Term:
    rows = [
        Row("offset to the left of the line", "m", "root", -2, 2),
        Row("heading to the left of the line", "rad", "root", -np.pi, np.pi),
    ]
    return _plain(rows, lambda state: _columns(state.root_position_w[:, 1], state.yaw_rad), [-1, -1])


def _joint_angles(walker: Walker, speed_mps: float) -> Term:
    rows = tuple(
        Row("angle", "rad", name, float(low) - _JOINT_MARGIN_RAD, float(high) + _JOINT_MARGIN_RAD)
        for name, (low, high) in zip(walker.joint_names, walker.joint_range_rad, strict=True)
    )
    return Term(rows, lambda state: state.joint_angles_rad, walker.mirror_index, walker.mirror_sign)


def _root_velocity(walker: Walker, speed_mps: float) -> Term:
    rows = [
        Row(f"velocity {where}", "m/s", "root", -MAX_VELOCITY_MPS, MAX_VELOCITY_MPS)
        for where in ("ahead", "to the left", "upwards")
    ]
    return _plain(rows, lambda state: state.root_velocity_h, [1, -1, 1])


def _root_angular_velocity(walker: Walker, speed_mps: float) -> Term:
    rows = [
        Row(f"angular velocity about the root's {axis} axis", "rad/s", "root", -MAX_RATE_RAD_S, MAX_RATE_RAD_S)
        for axis in "xyz"
    ]
    return _plain(rows, lambda state: state.root_angular_velocity_b, [-1, 1, -1])


def _joint_velocities(walker: Walker, speed_mps: float) -> Term:
    rows = tuple(Row("velocity", "rad/s", name, -MAX_RATE_RAD_S, MAX_RATE_RAD_S) for name in walker.joint_names)
    return Term(rows, lambda state: state.joint_velocities, walker.mirror_index, walker.mirror_sign)


def _velocity_command(walker: Walker, speed_mps: float) -> Term:
    row = Row("commanded speed", "m/s", "", -MAX_VELOCITY_MPS, MAX_VELOCITY_MPS)
    return _plain([row], lambda state: np.full((len(state.phase), 1), speed_mps), [1])


TERMS: dict[str, Callable[[Walker, float], Term]] = {
    "phase": _phase,
    "root_height": _root_height,
    "root_tilt": _root_tilt,
    "line_deviation": _line_deviation,
    "joint_angles": _joint_angles,
    "root_velocity": _root_velocity,
    "root_angular_velocity": _root_angular_velocity,
    "joint_velocities": _joint_velocities,
    "velocity_command": _velocity_command,
}


class Observation:
    """The observation made of the named terms.

    Args:
        names: Names in `TERMS`, in the order of the numbers.
        walker: The walker observed.
        speed_mps: The reference's speed, which ``velocity_command`` tells.

    Attributes:
        rows: What each number means, length D.
        low: Lower bounds, float32, shape ``(D,)``.
        high: Upper bounds, float32, shape ``(D,)``.
        mirror_index: The number that takes each one's place in the mirror, shape ``(D,)``.
        mirror_sign: Its sign there, shape ``(D,)``.
    """

    def __init__(self, names: tuple[str, ...], walker: Walker, speed_mps: float) -> None:
        self._terms = [TERMS[name](walker, speed_mps) for name in names]
        self.rows = tuple(row for term in self._terms for row in term.rows)
        self.low = np.array([row.low for row in self.rows], np.float32)
        self.high = np.array([row.high for row in self.rows], np.float32)
        offsets = np.cumsum([0, *(len(term.rows) for term in self._terms[:-1])])
        self._slices = [
            slice(int(offset), int(offset) + len(term.rows)) for term, offset in zip(self._terms, offsets, strict=True)
        ]
        self.mirror_index = np.concatenate(
            [term.mirror_index + offset for term, offset in zip(self._terms, offsets, strict=True)]
        )
        self.mirror_sign = np.concatenate([term.mirror_sign for term in self._terms], dtype=np.float32)

    def compute(self, state: BodyState) -> np.ndarray:
        """Return the clipped observations, float32, shape ``(N, D)``; numbers that are not finite become 0."""
        values = np.empty((len(state.phase), len(self.rows)), np.float32)
        for term, columns in zip(self._terms, self._slices, strict=True):
            values[:, columns] = term.compute(state)
        np.copyto(values, 0.0, where=~np.isfinite(values))
        np.maximum(values, self.low, out=values)
        return np.minimum(values, self.high, out=values)

    def mirror(self, values: np.ndarray) -> np.ndarray:
        """Return the observations, shape ``(N, D)``, of the mirrored world half a cycle later."""
        return values.take(self.mirror_index, axis=1) * self.mirror_sign

    def table(self) -> str:
        """Return the observation space as a Markdown table."""
        lines = ["| Num | meaning | unit | joint | min | max |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {number} | {row.meaning} | {row.unit} | {row.joint or '–'} | {row.low:.2f} | {row.high:.2f} |"
            for number, row in enumerate(self.rows)
        ]
        return "\n".join(lines)
