"""A walker: one MJCF model, its metadata, and everything that other modules ask about them.

The contract, for walkers of your own:

* one free joint (the root) at the height of the hips, all other joints hinges;
* one position actuator per controlled hinge, whose ``kp``, ``kv`` and ``forcerange`` are the walker's gains, unless
  ``walker.yaml`` gives them;
* a ``range`` for each of these hinges;
* sites at the heels and balls of the feet;
* a geom named ``floor``;
* a ``walker.yaml`` that names roles of joints, feet and end effectors (`mimicrl.walkers.metadata`). Without one, joints
  of the two sides are named ``ROLE_r`` and ``ROLE_l``, and the sites ``heel_r``, ``ball_r``, ``heel_l``, ``ball_l``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.geometry.rotations import Array
from mimicrl.walkers import contract, library
from mimicrl.walkers.contact_points import ContactPoints, frozen
from mimicrl.walkers.metadata import ANATOMY, Role, Side, WalkerMetadata
from mimicrl.walkers.mirror import mirror_map
from mimicrl.walkers.simulation_model import simulation_model

Actuation = Literal["position", "torque"]


@dataclass(frozen=True, eq=False)
class Walker:
    """A compiled walker with its chosen actuation. Arrays over joints follow the actuators' order.

    Attributes:
        name: Name of the walker.
        xml: The MJCF text that it was compiled from.
        metadata: The text of its ``walker.yaml``, made from what was inferred where there is none.
        inferred: Whether the metadata were inferred from names.
        actuation: ``position`` (PD servo on the joint angle) or ``torque``.
        model: The compiled model. Shared; nobody changes it.
        simulation_model: The same without what is only there to be seen, for simulations; moves to the same bits.
            Shared, too; its geoms are fewer, all else has the same places.
        joint_names: Names of the actuated hinges, length J.
        roles: Their roles, length J.
        qpos_index: Their places in ``qpos``, shape ``(J,)``.
        qvel_index: Their places in ``qvel``, shape ``(J,)``.
        joint_range_rad: Lower and upper limits, shape ``(J, 2)``.
        torque_limit_nm: Largest torque of each actuator, shape ``(J,)``.
        mirror_index: The joint of the other side, shape ``(J,)``.
        mirror_sign: +1 where the mirrored joint's angle keeps its sign, else -1, shape ``(J,)``.
        foot_site_ids: Ids of the sites at right heel, right ball, left heel and left ball, shape ``(4,)``.
        end_effector_site_ids: Ids of the sites that are tracked, shape ``(E,)``.
        contact_points: What can touch the floor.
    """

    name: str
    xml: str
    metadata: str
    inferred: bool
    actuation: Actuation
    model: mujoco.MjModel
    simulation_model: mujoco.MjModel
    joint_names: tuple[str, ...]
    roles: tuple[Role, ...]
    qpos_index: np.ndarray
    qvel_index: np.ndarray
    joint_range_rad: Array
    torque_limit_nm: Array
    mirror_index: np.ndarray
    mirror_sign: Array
    foot_site_ids: np.ndarray
    end_effector_site_ids: np.ndarray
    contact_points: ContactPoints

    @classmethod
    def from_xml(
        cls,
        xml: str,
        metadata: str | None = None,
        *,
        name: str,
        actuation: Actuation = "position",
        physics_hz: int | None = None,
    ) -> Walker:
        """Compile the texts of a walker's files.

        Args:
            xml: The MJCF text; it may not include or load other files.
            metadata: The text of ``walker.yaml``; without it the metadata are inferred from names.
            name: Name of the walker.
            actuation: How actions act on the joints.
            physics_hz: Physics steps per second; by default what the MJCF says.

        Raises:
            WalkerError: The MJCF or the metadata are malformed, reach for files, or break the contract above.
        """
        contract.refuse_files(xml, name)
        given = None if metadata is None else WalkerMetadata.parse(metadata, f"{library.METADATA} of {name}")
        try:
            spec = mujoco.MjSpec.from_string(xml)
            if given:
                _set_gains(spec, given)
            servos = spec.compile()
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
            got = re.sub(r"\s+", " ", str(error)).strip()
            raise WalkerError(
                "MuJoCo cannot compile the walker", where=name, got=got, fix="correct the MJCF"
            ) from error
        joints = contract.actuated_hinges(servos, name)
        joint_names = tuple(model.joint(j).name for j in joints)
        known = given or WalkerMetadata.inferred(joint_names, name)
        roles = known.roles(joint_names, name)
        mirror_index, mirror_sign = mirror_map(model, joints, roles, name)
        feet = contract.site_ids(model, known.feet.sites(), name)
        return cls(
            name=name,
            xml=xml,
            metadata=known.to_yaml() if metadata is None else metadata,
            inferred=metadata is None,
            actuation=actuation,
            model=model,
            simulation_model=simulation_model(spec, model),
            joint_names=joint_names,
            roles=roles,
            qpos_index=frozen(model.jnt_qposadr[joints]),
            qvel_index=frozen(model.jnt_dofadr[joints]),
            joint_range_rad=frozen(model.jnt_range[joints]),
            torque_limit_nm=frozen(servos.actuator_forcerange[:, 1]),
            mirror_index=frozen(mirror_index),
            mirror_sign=frozen(mirror_sign),
            foot_site_ids=frozen(feet),
            end_effector_site_ids=frozen(contract.site_ids(model, known.end_effectors, name)),
            contact_points=ContactPoints.of(model, contract.foot_geoms(model, feet, name)),
        )

    def hinges(self, joint: str, side: Side) -> list[int]:
        """Return the hinges that make up an anatomical joint, as indices below J in the order of the body.

        Args:
            joint: A joint of `ANATOMY`, such as ``hip``; other ones have no hinges.
            side: Its side.
        """
        wanted = ANATOMY.get(joint, ())
        found = [index for index, role in enumerate(self.roles) if role.name in wanted and role.side == side]
        # A body turns about its hinges in their order in the MJCF, not in that of the actuators.
        return sorted(found, key=lambda index: self.qpos_index[index])

    def mirror_joints(self, values: Array) -> Array:
        """Swap the sides of joint values (angles, velocities, targets, torques), shape ``(..., J)``."""
        return values.take(self.mirror_index, axis=-1) * self.mirror_sign

    def assemble_qpos(self, root_position_w: Array, root_quat_w: Array, joint_angles_rad: Array) -> Array:
        """Assemble ``qpos`` rows, shape ``(T, nq)``; joints that nothing actuates stay at their reference."""
        rows = np.tile(self.model.qpos0, (len(root_position_w), 1))
        rows[:, 0:3] = root_position_w
        rows[:, 3:7] = root_quat_w
        rows[:, self.qpos_index] = joint_angles_rad
        return rows

    def end_effector_positions(self, qpos: Array) -> Array:
        """Return the world positions [m] of the end effectors for `qpos` rows ``(T, nq)``, shape ``(T, E, 3)``."""
        data = mujoco.MjData(self.model)
        positions = np.empty((len(qpos), len(self.end_effector_site_ids), 3))
        for row, configuration in enumerate(qpos):
            data.qpos[:] = configuration
            mujoco.mj_kinematics(self.model, data)
            positions[row] = data.site_xpos[self.end_effector_site_ids]
        return positions

    def foot_kinematics(self, qpos: Array) -> tuple[Array, Array]:
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


def load(walker: str, actuation: Actuation = "position", physics_hz: int | None = None) -> Walker:
    """Compile a walker that a user names: a bundled one, a folder, or an MJCF file; see `Walker.from_xml`."""
    files = library.find(walker)
    return Walker.from_xml(files.xml, files.metadata, name=files.name, actuation=actuation, physics_hz=physics_hz)


def _set_gains(spec: mujoco.MjSpec, metadata: WalkerMetadata) -> None:
    """Make position servos of the actuators whose gains the metadata give."""
    gains = {
        name: joint.gains
        for joint in metadata.joints.by_role().values()
        for name in joint.hinges().values()
        if joint.gains is not None
    }
    for actuator in spec.actuators:
        own = gains.get(actuator.target)
        if own is not None:
            actuator.set_to_position(kp=own.kp, kv=own.kv)
            actuator.inheritrange, actuator.ctrlrange = 1.0, (0.0, 0.0)
            actuator.forcerange = (-own.torque_limit_nm, own.torque_limit_nm)
