"""Why an episode ends. The time limit is a truncation; everything else terminates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mimicrl.mdp.terms import TerminationTerm, Terms, View
from mimicrl.schema import Positive, Share

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array

RUNNING, TIME, DIVERGED = 0, 1, 2
"""Codes of reasons that every task has; those of its terminations follow."""
_EVERY_TASKS = ("running", "time", "diverged")
DIVERGED_VELOCITY_MPS, DIVERGED_RATE_RAD_S = 20.0, 100.0
"""No walker is faster than this: physics beyond it has diverged."""


class Fall(TerminationTerm):
    """The root is too low, or the trunk leans too far."""

    height_share: Share = 0.75
    """The root is lower than this share of the reference's mean height."""
    tilt_rad: Positive = 0.8
    """The trunk leans further than this from the vertical [rad]."""

    def holds(self, view: View) -> np.ndarray:
        """Return which walkers have fallen."""
        low = view.state.root_position_w[:, 2] < self.height_share * view.motion.mean_height_m
        return low | (view.state.upright < math.cos(self.tilt_rad))

    def meaning(self) -> str:
        """Return when an episode ends."""
        return (
            f"the root is below {self.height_share:.0%} of the reference's mean height, or the trunk leans more than "
            f"{self.tilt_rad:g} rad off the vertical"
        )


class Tracking(TerminationTerm):
    """The root is too far from the reference."""

    training_only: ClassVar[bool] = True

    rotation_rad: Positive | None = 0.4
    """The root's orientation is further than this from the reference's [rad]."""
    lateral_m: Positive | None = None
    """The root is further than this beside the reference [m]."""

    @property
    def is_off(self) -> bool:
        """Whether neither has a limit."""
        return self.rotation_rad is None and self.lateral_m is None

    def holds(self, view: View) -> np.ndarray:
        """Return which walkers have lost track."""
        lost = np.zeros(len(view.error.rotation_rad), bool)
        if self.rotation_rad is not None:
            lost |= view.error.rotation_rad > self.rotation_rad
        if self.lateral_m is not None:
            lost |= np.abs(view.error.root_position_w[:, 1]) > self.lateral_m
        return lost

    def meaning(self) -> str:
        """Return when an episode ends."""
        limits = ((self.rotation_rad, "rad off the reference"), (self.lateral_m, "m beside it"))
        return "the root is more than " + " or ".join(f"{limit:g} {what}" for limit, what in limits if limit)


class Terminations(Terms):
    """What ends an episode early."""

    reserved: ClassVar[tuple[str, ...]] = _EVERY_TASKS


def reasons(config: Terminations) -> tuple[str, ...]:
    """Return the names of the reasons' codes: still running, the time limit, divergence, and the terminations."""
    return (*_EVERY_TASKS, *type(config).model_fields)


def reason(
    terms: Sequence[tuple[int, TerminationTerm]], view: View, over: np.ndarray, broken: np.ndarray
) -> np.ndarray:
    """Return why each episode ends, as codes, int, shape ``(N,)``.

    Divergence comes before all terminations, the first of them before later ones, and the time limit last.

    Args:
        terms: Codes and terminations that count here.
        view: What they see.
        over: Which episodes have reached their time limit, bool, shape ``(N,)``.
        broken: Which have diverged, bool, shape ``(N,)``.
    """
    codes = np.where(over, TIME, RUNNING)
    for code, term in reversed(terms):
        np.copyto(codes, code, where=term.holds(view))
    np.copyto(codes, DIVERGED, where=broken)
    return codes


def diverged(qpos: Array, qvel: Array) -> np.ndarray:
    """Return whether the physics of each row has diverged, bool, shape ``(N,)``.

    It has where a number is not finite or a velocity is beyond what any walker does. MuJoCo itself warns only beyond
    1e10.
    """
    speed = np.abs(qvel)
    # What is not a number is not below a limit either.
    sane = np.logical_and.reduce(speed[:, :3] <= DIVERGED_VELOCITY_MPS, axis=1)
    sane &= np.logical_and.reduce(speed[:, 3:] <= DIVERGED_RATE_RAD_S, axis=1)
    sane &= np.logical_and.reduce(np.isfinite(qpos), axis=1)
    return ~sane
