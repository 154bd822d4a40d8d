"""Reference state initialization: episodes start anywhere in the motion (Peng et al. 2018, section 6.1)."""

from __future__ import annotations

import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.walkers.walker import Walker


def draw_phase(generator: np.random.Generator) -> float:
    """Draw the phase of one simulation's start, uniform in [0, 1). Each reset draws one number."""
    return float(generator.random())


def reference_state(walker: Walker, frame: ReferenceFrame) -> tuple[Array, Array]:
    """Return the state of the reference in a frame, moved so that its lowest foot point is on the floor.

    Only the returned state is moved. The reference is shared and never changes.

    Args:
        walker: The walker.
        frame: The reference, N rows.

    Returns:
        ``qpos``, shape ``(N, nq)``, with the root at x = 0, and ``qvel``, shape ``(N, nv)``.
    """
    qpos = walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    qpos[:, 0] = 0.0
    qpos[:, 2] -= frame.clearance_m
    qvel = np.zeros((len(qpos), walker.model.nv))
    qvel[:, 0:3] = frame.root_velocity_w
    qvel[:, 3:6] = frame.root_angular_velocity_b
    qvel[:, walker.qvel_index] = frame.joint_velocities
    return qpos, qvel
