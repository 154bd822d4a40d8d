"""A walker: one MJCF model and everything the other modules ask about it.

The MJCF contract, for walkers of your own:

* one free joint (the root) at the height of the hips, all other joints hinges;
* one position actuator per controlled hinge, whose ``kp``, ``kv`` and ``forcerange`` are the walker's gains;
* a ``range`` for each of these hinges;
* joints of the right and left side are named ``…_r`` and ``…_l``;
* sites ``heel_r``, ``ball_r``, ``heel_l``, ``ball_l`` on the soles of the feet;
* a geom named ``floor``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.geometry.rotations import Array
from mimicrl.walkers import mjcf
from mimicrl.walkers.mjcf import ContactPoints, frozen
from mimicrl.walkers.physics import without_looks

Actuation = Literal["position", "torque"]


@dataclass(frozen=True, eq=False)
class Walker:
    """A compiled walker with its chosen actuation. Arrays over joints follow the actuators' order.

    Attributes:
        name: Name of the walker.
        xml: The MJCF text that it was compiled from.
        actuation: ``position`` (PD servo on the joint angle) or ``torque``.
        model: The compiled model. Shared; nobody changes it.
        physics: The same without what is only looked at, for simulations; moves to the same bits. Shared, too; its
            geoms are fewer, all else has the same places.
        joint_names: Names of the actuated hinges, length J.
        qpos_index: Their places in ``qpos``, shape ``(J,)``.
        qvel_index: Their places in ``qvel``, shape ``(J,)``.
        joint_range_rad: Lower and upper limits, shape ``(J, 2)``.
        torque_limit_nm: Largest torque of each actuator, shape ``(J,)``.
        mirror_index: The joint of the other side, shape ``(J,)``.
        mirror_sign: +1 where the mirrored joint's angle keeps its sign, else -1, shape ``(J,)``.
        foot_site_ids: Ids of the sites in `FOOT_SITES`, shape ``(4,)``.
        contact_points: What can touch the floor.
    """

    name: str
    xml: str
    actuation: Actuation
    model: mujoco.MjModel
    physics: mujoco.MjModel
    joint_names: tuple[str, ...]
    qpos_index: np.ndarray
    qvel_index: np.ndarray
    joint_range_rad: Array
    torque_limit_nm: Array
    mirror_index: np.ndarray
    mirror_sign: Array
    foot_site_ids: np.ndarray
    contact_points: ContactPoints

    @classmethod
    def from_xml(
        cls, xml: str, *, name: str, actuation: Actuation = "position", physics_hz: int | None = None
    ) -> Walker:
        """Compile MJCF text.

        Args:
            xml: The MJCF text; it may not include or load other files.
            name: Name of the walker.
            actuation: How actions act on the joints.
            physics_hz: Physics steps a second; by default what the text says.

        Raises:
            WalkerError: The text is no MJCF, reaches for files, or breaks the contract above.
        """
        mjcf.refuse_files(xml, name)
        try:
            spec = mujoco.MjSpec.from_string(xml)
            gains = spec.compile()
            if actuation == "torque":
                for actuator in spec.actuators:
                    actuator.set_to_motor()
                    actuator.ctrlrange = actuator.forcerange
            if physics_hz is not None:
                spec.option.timestep = 1.0 / physics_hz
            # A silent reset would hide a diverged simulation (it would look like a walker that stands).
            spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
            model = spec.compile()
        except ValueError as error:
            raise WalkerError(
                "MuJoCo cannot compile the walker", where=name, got=_one_line(error), fix="correct the MJCF"
            ) from error
        joints = mjcf.actuated_hinges(gains, name)
        names = tuple(model.joint(j).name for j in joints)
        mirror_index, mirror_sign = mjcf.mirror_map(model, joints, names, name)
        sites = mjcf.foot_sites(model, name)
        return cls(
            name=name,
            xml=xml,
            actuation=actuation,
            model=model,
            physics=without_looks(spec, model),
            joint_names=names,
            qpos_index=frozen(model.jnt_qposadr[joints]),
            qvel_index=frozen(model.jnt_dofadr[joints]),
            joint_range_rad=frozen(model.jnt_range[joints]),
            torque_limit_nm=frozen(gains.actuator_forcerange[:, 1]),
            mirror_index=frozen(mirror_index),
            mirror_sign=frozen(mirror_sign),
            foot_site_ids=frozen(sites),
            contact_points=mjcf.contact_points(model, mjcf.foot_geoms(model, sites, name)),
        )

    def mirror_joints(self, values: Array) -> Array:
        """Swap the sides of joint values (angles, velocities, targets, torques), shape ``(..., J)``."""
        return values.take(self.mirror_index, axis=-1) * self.mirror_sign

    def qpos(self, root_position_w: Array, root_quat_w: Array, joint_angles_rad: Array) -> Array:
        """Assemble ``qpos`` rows, shape ``(T, nq)``; joints that nothing actuates stay at their reference."""
        rows = np.tile(self.model.qpos0, (len(root_position_w), 1))
        rows[:, 0:3] = root_position_w
        rows[:, 3:7] = root_quat_w
        rows[:, self.qpos_index] = joint_angles_rad
        return rows

    def kinematics(self, qpos: Array) -> tuple[Array, Array]:
        """Return where the feet are for `qpos` rows, by forward kinematics.

        Args:
            qpos: Configurations, shape ``(T, nq)``.

        Returns:
            World positions [m] of the foot sites, shape ``(T, 4, 3)``, and heights [m] of the lowest side of each
            contact point, shape ``(T, K)``.
        """
        data = mujoco.MjData(self.model)
        points = self.contact_points
        sites = np.empty((len(qpos), len(self.foot_site_ids), 3))
        heights = np.empty((len(qpos), len(points.body)))
        for row, configuration in enumerate(qpos):
            data.qpos[:] = configuration
            mujoco.mj_kinematics(self.model, data)
            sites[row] = data.site_xpos[self.foot_site_ids]
            vertical = data.xmat[points.body, 6:9]
            heights[row] = (
                data.xpos[points.body, 2] + np.einsum("kj,kj->k", vertical, points.position_b) - points.radius_m
            )
        return sites, heights


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()
