"""Why an episode ends. The time limit is a truncation; everything else terminates."""

from __future__ import annotations

import functools
import math
from enum import IntEnum

import numpy as np

from mimicrl.config.mdp import TerminationConfig
from mimicrl.mimic.deviation import Deviation
from mimicrl.mimic.observations import MAX_RATE_RAD_S, MAX_VELOCITY_MPS
from mimicrl.mimic.state import BodyState


class Reason(IntEnum):
    """Why an episode ended; the larger number wins when several hold."""

    RUNNING = 0
    TIME = 1
    TRACKING = 2
    FALL = 3
    DIVERGED = 4

    @property
    def label(self) -> str:
        """The word used in tables."""
        return self.name.lower()


# For arrays: NumPy takes ten times as long to convert an enumeration's member as a number.
RUNNING, TIME, TRACKING = int(Reason.RUNNING), int(Reason.TIME), int(Reason.TRACKING)
FALL, DIVERGED = int(Reason.FALL), int(Reason.DIVERGED)


def fallen(state: BodyState, config: TerminationConfig, reference_height_m: float) -> np.ndarray:
    """Return whether the root is too low or the trunk leans too far, bool, shape ``(N,)``."""
    return (state.root_position_w[:, 2] < config.fall_height_share * reference_height_m) | (
        state.upright < math.cos(config.fall_tilt_rad)
    )


def lost_track(deviation: Deviation, config: TerminationConfig) -> np.ndarray:
    """Return whether the root left the reference, bool, shape ``(N,)``; used in training only."""
    lost = np.zeros(len(deviation.rotation_rad), bool)
    if config.tracking_rotation_rad is not None:
        lost |= deviation.rotation_rad > config.tracking_rotation_rad
    if config.tracking_lateral_m is not None:
        lost |= np.abs(deviation.root_position_w[:, 1]) > config.tracking_lateral_m
    return lost


def diverged(qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
    """Return whether the physics of a row broke down, bool, shape ``(N,)``.

    Not finite, or faster than anything a walker does: MuJoCo itself only warns beyond 1e10.
    """
    # What is not a number is not below a limit either.
    sane = np.logical_and.reduce(np.abs(qvel) <= _velocity_limits(qvel.shape[1]), axis=1)
    sane &= np.logical_and.reduce(np.isfinite(qpos), axis=1)
    return ~sane


@functools.cache
def _velocity_limits(count: int) -> np.ndarray:
    limits = np.full(count, MAX_RATE_RAD_S)
    limits[:3] = MAX_VELOCITY_MPS
    limits.setflags(write=False)
    return limits
