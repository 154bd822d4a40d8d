"""The reference as a second figure beside the walker."""

from __future__ import annotations

import numpy as np

from mimicrl.evaluation.trajectory import Trajectory
from mimicrl.geometry.rotations import Array
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.walker import Walker

ASIDE_M = 0.9


def ghost_qpos(walker: Walker, reference: ReferenceTrajectory, episode: Trajectory) -> Array:
    """Return the reference to the left of the walker, at the phases of an episode, shape ``(T, nq)``.

    The ghost walks at the walker's mean speed, so that both stay side by side however long they walk. The episode has
    at least two steps.
    """
    frame = reference.at_phase(episode.phase)
    position = frame.root_position_w.copy()
    position[:, 0] -= episode.phase * reference.displacement_m  # only the surge within a cycle is left
    step = np.arange(len(position))
    lead = episode.qpos[:, 0] - position[:, 0]
    slope, start = np.polyfit(step, lead, 1)
    position[:, 0] += start + slope * step
    position[:, 1] += episode.qpos[:, 1].mean() + ASIDE_M
    return walker.assemble_qpos(position, frame.root_quat_w, frame.joint_angles_rad)
