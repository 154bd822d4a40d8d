"""Observations: blocks of numbers, each with its meanings, bounds and mirror image.

All terms are invariant to where the walker is and which way it faces; only `LineDeviation` relates it to the line it
should walk along (the world's x axis).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from mimicrl.mdp.terms import ObservationTerm, Row, Terms, View

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array
    from mimicrl.walkers.walker import Walker

# How far a joint may be pushed beyond its (soft) limits before the observation saturates.
_JOINT_MARGIN_RAD = 0.5
# Beyond these the observation saturates.
_VELOCITY_BOUND_MPS, _RATE_BOUND_RAD_S = 20.0, 100.0


def _columns(*columns: Array) -> Array:
    return np.array(columns).T  # a third of np.stack's time


class Phase(ObservationTerm):
    """Where in the cycle the reference is."""

    numbers = tuple(Row(f"{name} of the phase", "1", "", -1, 1) for name in ("sine", "cosine"))
    # Half a cycle later both change their sign; the sides of a walk swap with it.
    signs = (-1, -1)

    def compute(self, view: View) -> Array:
        """Return sine and cosine of the phase."""
        angle = 2 * np.pi * view.state.phase
        return _columns(np.sin(angle), np.cos(angle))


class RootHeight(ObservationTerm):
    """Height of the root."""

    numbers = (Row("height of the root", "m", "root", 0, 3),)
    signs = (1,)

    def compute(self, view: View) -> Array:
        """Return the root's height."""
        return view.state.root_position_w[:, 2:3]


class RootTilt(ObservationTerm):
    """Lean of the root."""

    numbers = (
        Row("forward lean (pitch)", "rad", "root", -np.pi / 2, np.pi / 2),
        Row("lean to the right (roll)", "rad", "root", -np.pi, np.pi),
    )
    signs = (1, -1)

    def compute(self, view: View) -> Array:
        """Return pitch and roll."""
        return _columns(view.state.pitch_rad, view.state.roll_rad)


class LineDeviation(ObservationTerm):
    """Place and heading against the line to walk along."""

    numbers = (
        Row("offset to the left of the line", "m", "root", -2, 2),
        Row("heading to the left of the line", "rad", "root", -np.pi, np.pi),
    )
    signs = (-1, -1)

    def compute(self, view: View) -> Array:
        """Return the root's place beside the line and its heading."""
        return _columns(view.state.root_position_w[:, 1], view.state.yaw_rad)


class _PerJoint(ObservationTerm):
    """One number per joint, in the order of the walker's joints."""

    def mirror(self, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
        """Return the joints of the other side, and their signs."""
        return walker.mirror_index, walker.mirror_sign


class JointAngles(_PerJoint):
    """Angles of the joints."""

    def rows(self, walker: Walker) -> list[Row]:
        """Return what each number means."""
        return [
            Row("angle", "rad", name, float(low) - _JOINT_MARGIN_RAD, float(high) + _JOINT_MARGIN_RAD)
            for name, (low, high) in zip(walker.joint_names, walker.joint_range_rad, strict=True)
        ]

    def compute(self, view: View) -> Array:
        """Return the joints' angles."""
        return view.state.joint_angles_rad


class RootVelocity(ObservationTerm):
    """Velocity of the root, in the heading frame."""

    numbers = tuple(
        Row(f"velocity {where}", "m/s", "root", -_VELOCITY_BOUND_MPS, _VELOCITY_BOUND_MPS)
        for where in ("ahead", "to the left", "upwards")
    )
    signs = (1, -1, 1)

    def compute(self, view: View) -> Array:
        """Return the root's velocity."""
        return view.state.root_velocity_h


class RootAngularVelocity(ObservationTerm):
    """Angular velocity of the root, in its own frame."""

    numbers = tuple(
        Row(f"angular velocity about the root's {axis} axis", "rad/s", "root", -_RATE_BOUND_RAD_S, _RATE_BOUND_RAD_S)
        for axis in "xyz"
    )
    signs = (-1, 1, -1)

    def compute(self, view: View) -> Array:
        """Return the root's angular velocity."""
        return view.state.root_angular_velocity_b


class JointVelocities(_PerJoint):
    """Velocities of the joints."""

    def rows(self, walker: Walker) -> list[Row]:
        """Return what each number means."""
        return [Row("velocity", "rad/s", name, -_RATE_BOUND_RAD_S, _RATE_BOUND_RAD_S) for name in walker.joint_names]

    def compute(self, view: View) -> Array:
        """Return the joints' velocities."""
        return view.state.joint_velocities


class VelocityCommand(ObservationTerm):
    """The reference's speed."""

    numbers = (Row("commanded speed", "m/s", "", -_VELOCITY_BOUND_MPS, _VELOCITY_BOUND_MPS),)
    signs = (1,)

    enabled: bool = False
    """Whether the policy sees it."""

    def compute(self, view: View) -> Array:
        """Return the speed of the motion that is imitated."""
        return np.full((len(view.state.phase), 1), view.motion.speed_mps)


class Observations(Terms):
    """What the policy sees: the enabled terms side by side, in the order of this table."""

    @model_validator(mode="after")
    def _sees_something(self) -> Observations:
        if not self.active():
            raise ValueError("the policy sees nothing: enable at least one observation")
        return self


class Observation:
    """The observation made of terms.

    Args:
        terms: The terms, in the order of their numbers.
        walker: The walker observed.

    Attributes:
        rows: What each number means, length D.
        low: Lower bounds, float32, shape ``(D,)``.
        high: Upper bounds, float32, shape ``(D,)``.
        mirror_index: The number that takes each one's place in the mirror, shape ``(D,)``.
        mirror_sign: Its sign there, shape ``(D,)``.
    """

    def __init__(self, terms: Iterable[ObservationTerm], walker: Walker) -> None:
        self.rows: list[Row] = []
        self._blocks: list[tuple[ObservationTerm, slice]] = []
        index, sign = [], []
        for term in terms:
            rows, (places, signs) = term.rows(walker), term.mirror(walker)
            begin = len(self.rows)
            self.rows += rows
            self._blocks.append((term, slice(begin, len(self.rows))))
            index.append(places + begin)
            sign.append(signs)
        self.low = np.array([row.low for row in self.rows], np.float32)
        self.high = np.array([row.high for row in self.rows], np.float32)
        self.mirror_index = np.concatenate(index)
        self.mirror_sign = np.concatenate(sign, dtype=np.float32)

    def compute(self, view: View) -> np.ndarray:
        """Return the clipped observations, float32, shape ``(N, D)``; numbers that are not finite become 0."""
        values = np.empty((len(view.state.phase), len(self.rows)), np.float32)
        for term, columns in self._blocks:
            values[:, columns] = term.compute(view)
        np.copyto(values, 0.0, where=~np.isfinite(values))
        np.maximum(values, self.low, out=values)
        return np.minimum(values, self.high, out=values)

    def mirror(self, values: np.ndarray) -> np.ndarray:
        """Return the observations, shape ``(N, D)``, of the mirrored world half a cycle later."""
        return values.take(self.mirror_index, axis=1) * self.mirror_sign
