"""Rows of simulation states that the tests of the MDP share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from mimicrl.geometry import rotations
from mimicrl.geometry.rotations import MIRROR_AXIAL, MIRROR_POLAR, MIRROR_QUAT, Array
from mimicrl.mdp.error import tracking_error
from mimicrl.mdp.state import BodyState, measure
from mimicrl.mdp.terms import View
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


class Rows(NamedTuple):
    """States of N simulations of `walker`, and what the test does to them."""

    walker: Walker
    motion: ReferenceTrajectory
    phase: Array
    qpos: Array
    qvel: Array

    def measure(self) -> BodyState:
        sites = np.zeros((len(self.phase), self.walker.model.nsite, 3))
        sites[:, self.walker.foot_site_ids] = self.walker.kinematics(self.qpos)[0]
        return measure(self.walker, self.phase, self.qpos, self.qvel, sites)

    def view(self, action: Array | None = None) -> View:
        """What terms see of these states."""
        state, frame = self.measure(), self.motion.at_phase(self.phase)
        still = np.zeros((len(self.phase), len(self.walker.joint_names)))
        with np.errstate(all="ignore"):
            error = tracking_error(state, frame)
        return View(self.walker, self.motion, state, frame, error, still if action is None else action)

    def mirrored(self) -> Rows:
        """The reflection in the x-z plane, half a cycle later."""
        qpos, qvel, joints = self.qpos.copy(), self.qvel.copy(), self.walker.mirror_joints
        qpos[:, :3] *= MIRROR_POLAR
        qpos[:, 3:7] *= MIRROR_QUAT
        qpos[:, self.walker.qpos_index] = joints(self.qpos[:, self.walker.qpos_index])
        qvel[:, :3] *= MIRROR_POLAR
        qvel[:, 3:6] *= MIRROR_AXIAL
        qvel[:, self.walker.qvel_index] = joints(self.qvel[:, self.walker.qvel_index])
        return self._replace(phase=(self.phase + 0.5) % 1.0, qpos=qpos, qvel=qvel)

    def moved(self, heading_rad: float, to_m: tuple[float, float]) -> Rows:
        """The same walkers turned about the vertical and set elsewhere on the floor."""
        qpos, qvel = self.qpos.copy(), self.qvel.copy()
        turn = rotations.from_yaw(heading_rad)
        qpos[:, :3] = rotations.rotate(turn, qpos[:, :3]) + np.array([*to_m, 0.0])
        qpos[:, 3:7] = rotations.multiply(turn, qpos[:, 3:7])
        qvel[:, :3] = rotations.rotate(turn, qvel[:, :3])
        return self._replace(qpos=qpos, qvel=qvel)


@pytest.fixture(scope="session")
def on_reference(walker: Walker, reference: ReferenceTrajectory) -> Rows:
    """Exactly the reference at 40 random phases."""
    phase = np.random.default_rng(1).random(40)
    frame = reference.at_phase(phase)
    qvel = np.zeros((40, walker.model.nv))
    qvel[:, :3], qvel[:, 3:6] = frame.root_velocity_w, frame.root_angular_velocity_b
    qvel[:, walker.qvel_index] = frame.joint_velocities
    qpos = walker.qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
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
