"""Why an episode ends. The time limit is a truncation; everything else terminates."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from mimicrl.config.mdp import TerminationConfig
from mimicrl.mimic.observations import MAX_RATE_RAD_S, MAX_VELOCITY_MPS
from mimicrl.mimic.rewards import rotation_error
from mimicrl.mimic.state import BodyState
from mimicrl.motions.reference import ReferenceFrame


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


def fallen(state: BodyState, config: TerminationConfig, reference_height_m: float) -> np.ndarray:
    """Return whether the root is too low or the trunk leans too far, bool, shape ``(N,)``."""
    return (state.root_position_w[:, 2] < config.fall_height_share * reference_height_m) | (
        state.upright < np.cos(config.fall_tilt_rad)
    )


def lost_track(state: BodyState, reference: ReferenceFrame, config: TerminationConfig) -> np.ndarray:
    """Return whether the root left the reference, bool, shape ``(N,)``; used in training only."""
    lost = np.zeros(len(state.phase), bool)
    if config.tracking_rotation_rad is not None:
        lost |= rotation_error(state.root_quat_w, reference.root_quat_w) > config.tracking_rotation_rad
    if config.tracking_lateral_m is not None:
        lost |= np.abs(state.root_position_w[:, 1] - reference.root_position_w[:, 1]) > config.tracking_lateral_m
    return lost


def diverged(qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
    """Return whether the physics of a row broke down, bool, shape ``(N,)``.

    Not finite, or faster than anything a walker does: MuJoCo itself only warns beyond 1e10.
    """
    limits = np.full(qvel.shape[1], MAX_RATE_RAD_S)
    limits[:3] = MAX_VELOCITY_MPS
    # What is not a number is not below a limit either.
    return np.asarray(~((np.abs(qvel) <= limits).all(axis=1) & np.isfinite(qpos).all(axis=1)))
