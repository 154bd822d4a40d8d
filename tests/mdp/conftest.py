"""Rows of simulation states that the tests of the MDP share."""

from __future__ import annotations

import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.geometry import rotations
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


@pytest.fixture(scope="session")
def on_reference(walker: Walker, reference: ReferenceTrajectory) -> Rows:
    """Exactly the reference at 40 random phases."""
    phase = np.random.default_rng(1).random(40)
    frame = reference.at_phase(phase)
    qvel = np.zeros((40, walker.model.nv))
    qvel[:, :3], qvel[:, 3:6] = frame.root_velocity_w, frame.root_angular_velocity_b
    qvel[:, walker.qvel_index] = frame.joint_velocities
    qpos = walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    return Rows(walker, reference, phase, qpos, qvel)


@pytest.fixture(scope="session")
def rows(on_reference: Rows) -> Rows:
    """States scattered around the reference, all within the observation's bounds."""
    rng = np.random.default_rng(2)
    qpos, qvel = on_reference.qpos.copy(), on_reference.qvel.copy()
    qpos[:, :3] += rng.normal(0, 0.1, (40, 3))
    qpos[:, 3:7] = rotations.multiply(qpos[:, 3:7], rotations.from_rotation_vector(rng.normal(0, 0.3, (40, 3))))
    qpos[:, 7:] += rng.normal(0, 0.1, (40, qpos.shape[1] - 7))
    qvel += rng.normal(0, 1.0, qvel.shape)
    return on_reference._replace(qpos=qpos, qvel=qvel)
