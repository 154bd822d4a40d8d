"""Walkers in random states."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np

from mimicrl.geometry.rotations import MIRROR_AXIAL, MIRROR_POLAR, MIRROR_QUAT, from_rotation_vector
from mimicrl.walkers import Walker


class State(NamedTuple):
    """A state of a walker and its controls."""

    walker: Walker
    qpos: np.ndarray
    qvel: np.ndarray
    ctrl: np.ndarray

    @classmethod
    def random(cls, walker: Walker, seed: int, clearance_m: float) -> State:
        """Somewhere in a step, the lowest point at a height above the floor."""
        rng = np.random.default_rng(seed)
        root = np.array([[*rng.normal(0, 0.5, 2), 1.0]])
        quat = from_rotation_vector(rng.normal(0, 0.3, (1, 3)))
        low, high = walker.joint_range_rad.T
        qpos = walker.assemble_qpos(root, quat, rng.uniform(np.maximum(low, -0.5), np.minimum(high, 0.7)))[0]
        qpos[2] += clearance_m - walker.foot_kinematics(qpos[None])[1].min()
        ctrl = rng.uniform(*walker.model.actuator_ctrlrange.T)
        return cls(walker, qpos, rng.normal(0, 1, walker.model.nv), ctrl)

    def mirrored(self) -> State:
        """Its reflection in the x-z plane."""
        # A free joint's linear velocity is in the world, its angular velocity in the body.
        walker, joints = self.walker, self.walker.mirror_joints
        angles, rates = joints(self.qpos[walker.qpos_index]), joints(self.qvel[walker.qvel_index])
        qpos = np.concatenate([self.qpos[:3] * MIRROR_POLAR, self.qpos[3:7] * MIRROR_QUAT, angles])
        qvel = np.concatenate([self.qvel[:3] * MIRROR_POLAR, self.qvel[3:6] * MIRROR_AXIAL, rates])
        return State(walker, qpos, qvel, joints(self.ctrl))

    def stepped(self, steps: int) -> mujoco.MjData:
        """What it becomes."""
        data = mujoco.MjData(self.walker.model)
        data.qpos, data.qvel, data.ctrl = self.qpos, self.qvel, self.ctrl
        mujoco.mj_step(self.walker.model, data, steps)
        return data
