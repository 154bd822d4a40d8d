"""States of simulations that the tests of the MDP share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
        sites[:, self.walker.foot_site_ids] = self.walker.foot_kinematics(self.qpos)[0]
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
