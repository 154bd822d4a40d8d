"""A walker: one MJCF model and everything the other modules ask about it.

The MJCF contract, for walkers of your own:

* one free joint (the root), all other joints hinges;
* one position actuator per controlled hinge, whose ``kp``, ``kv`` and ``forcerange`` are the walker's gains;
* joints of the right and left side are named ``…_r`` and ``…_l``;
* sites ``heel_r``, ``ball_r``, ``heel_l``, ``ball_l`` on the soles of the feet;
* a geom named ``floor``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Literal

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.rotations import MIRROR_AXIAL, Array

Actuation = Literal["position", "torque"]

FOOT_SITES = ("heel_r", "ball_r", "heel_l", "ball_l")


@dataclass(frozen=True, eq=False)
class ContactPoints:
    """Points that bound the geoms a foot stands on: box corners, sphere centres, capsule ends.

    Attributes:
        body: Body of each point, shape ``(K,)``.
        position_b: Position in that body's frame [m], shape ``(K, 3)``.
        radius_m: Radius around the point, shape ``(K,)``.
    """

    body: np.ndarray
    position_b: Array
    radius_m: Array


@dataclass(frozen=True, eq=False)
class Walker:
    """A compiled walker with its chosen actuation. Arrays over joints follow the actuators' order.

    Attributes:
        name: Name of the walker.
        xml: The MJCF text it was made from.
        actuation: ``position`` (PD servo on the joint angle) or ``torque``.
        model: The compiled model. Shared; nobody changes it.
        joint_names: Names of the actuated hinges, length J.
        qpos_index: Their places in ``qpos``, shape ``(J,)``.
        qvel_index: Their places in ``qvel``, shape ``(J,)``.
        joint_range_rad: Lower and upper limits, shape ``(J, 2)``.
        torque_limit_nm: Largest torque of each actuator, shape ``(J,)``.
        kp_nm_rad: Proportional gains [Nm/rad], shape ``(J,)``.
        mirror_index: The joint of the other side, shape ``(J,)``.
        mirror_sign: +1 where the mirrored joint's angle keeps its sign, else -1, shape ``(J,)``.
        foot_site_ids: Ids of the sites in `FOOT_SITES`, shape ``(4,)``.
        contact_points: What can touch the floor.
        foot_geoms: Ids of the geoms that can touch the floor.
    """

    name: str
    xml: str
    actuation: Actuation
    model: mujoco.MjModel
    joint_names: tuple[str, ...]
    qpos_index: np.ndarray
    qvel_index: np.ndarray
    joint_range_rad: Array
    torque_limit_nm: Array
    kp_nm_rad: Array
    mirror_index: np.ndarray
    mirror_sign: Array
    foot_site_ids: np.ndarray
    contact_points: ContactPoints
    foot_geoms: np.ndarray

    @classmethod
    def from_xml(cls, xml: str, *, name: str, actuation: Actuation = "position") -> Walker:
        """Compile MJCF text.

        Args:
            xml: The MJCF text; it may not include or load other files.
            name: Name of the walker.
            actuation: How actions act on the joints.

        Raises:
            WalkerError: The text is no MJCF, reaches for files, or breaks the contract above.
        """
        _refuse_files(xml, name)
        try:
            spec = mujoco.MjSpec.from_string(xml)
            gains = spec.compile()
            if actuation == "torque":
                for actuator in spec.actuators:
                    actuator.set_to_motor()
                    actuator.ctrlrange = actuator.forcerange
            # A silent reset would hide a diverged simulation (it would look like a walker that stands).
            spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
            model = spec.compile()
        except ValueError as error:
            raise WalkerError(
                "MuJoCo cannot compile the walker", where=name, got=_one_line(error), fix="correct the MJCF"
            ) from error
        joints = _actuated_hinges(model, name)
        names = tuple(model.joint(j).name for j in joints)
        mirror_index, mirror_sign = _mirror_map(model, joints, names, name)
        sites = _foot_sites(model, name)
        foot_geoms = _foot_geoms(model, sites, name)
        return cls(
            name=name,
            xml=xml,
            actuation=actuation,
            model=model,
            joint_names=names,
            qpos_index=_frozen(model.jnt_qposadr[joints]),
            qvel_index=_frozen(model.jnt_dofadr[joints]),
            joint_range_rad=_frozen(model.jnt_range[joints]),
            torque_limit_nm=_frozen(gains.actuator_forcerange[:, 1]),
            kp_nm_rad=_frozen(gains.actuator_gainprm[:, 0]),
            mirror_index=_frozen(mirror_index),
            mirror_sign=_frozen(mirror_sign),
            foot_site_ids=_frozen(sites),
            contact_points=_contact_points(model, foot_geoms),
            foot_geoms=_frozen(foot_geoms),
        )

    def mirror_joints(self, values: Array) -> Array:
        """Swap the sides of joint values (angles, velocities, targets, torques), shape ``(..., J)``."""
        return values[..., self.mirror_index] * self.mirror_sign

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


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.array(array)
    array.setflags(write=False)
    return array


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()


def _refuse_files(xml: str, name: str) -> None:
    """An MJCF from someone else must not read other files through includes or meshes."""
    found = re.search(r"<\s*include\b|\bfile\w*\s*=|<\s*(?:extension|plugin)\b", xml)
    if found:
        raise WalkerError(
            "a walker must be one self-contained MJCF file",
            where=name,
            got=f"'{found.group(0)}'",
            fix="inline what it includes and use primitive geoms",
        )


def _actuated_hinges(model: mujoco.MjModel, name: str) -> np.ndarray:
    free = np.flatnonzero(model.jnt_type == mujoco.mjtJoint.mjJNT_FREE)
    if list(free) != [0]:
        raise WalkerError(
            "a walker needs one free joint, its root, before all others", where=name, got=f"{len(free)} free joints"
        )
    if model.nu == 0 or np.any(model.actuator_trntype != mujoco.mjtTrn.mjTRN_JOINT):
        raise WalkerError("a walker needs actuators on its joints, and on nothing else", where=name)
    joints = model.actuator_trnid[:, 0]
    if np.any(model.jnt_type[joints] != mujoco.mjtJoint.mjJNT_HINGE):
        raise WalkerError("every actuator must drive a hinge", where=name)
    if len(set(joints)) != len(joints):
        raise WalkerError("a joint has two actuators", where=name, expected="one for each controlled hinge")
    if np.any(model.actuator_forcerange[:, 1] <= 0):
        raise WalkerError("every actuator needs a forcerange", where=name, fix='add forcerange="-200 200"')
    return joints


def _mirror_map(
    model: mujoco.MjModel, joints: np.ndarray, names: tuple[str, ...], walker: str
) -> tuple[np.ndarray, Array]:
    """Pair the joints by name and find the signs from their axes.

    A rotation by an angle about an axis a becomes, in the mirror, a rotation by the same angle about M a with
    M = diag(-1, 1, -1), as an axis is an axial vector.
    """
    swap = {"_r": "_l", "_l": "_r"}
    index = np.empty(len(names), int)
    for place, name in enumerate(names):
        other = name[:-2] + swap[name[-2:]] if name[-2:] in swap else name
        if other not in names:
            near = difflib.get_close_matches(other, set(names) - {name}, 1)
            raise WalkerError(
                "a joint has no partner on the other side",
                where=f"{walker}, joint {name}",
                got=f"joints {', '.join(names)}",
                expected=f"{other}" + (f" (nearest: {near[0]})" if near else ""),
            )
        index[place] = names.index(other)
    axes = model.jnt_axis[joints]
    cosine = np.sum(axes * MIRROR_AXIAL * axes[index], axis=1)
    askew = np.flatnonzero(np.abs(cosine) < 1 - 1e-6)
    if len(askew):
        joint = joints[askew[0]]
        raise WalkerError(
            "a joint's axis is not the mirror image of its partner's",
            where=f"{walker}, joint {names[askew[0]]}",
            got=f"axis {model.jnt_axis[joint].round(4).tolist()}",
            expected=f"{(MIRROR_AXIAL * axes[index[askew[0]]]).round(4).tolist()} or its opposite",
        )
    return index, np.sign(cosine)


def _foot_sites(model: mujoco.MjModel, name: str) -> np.ndarray:
    ids = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, site) for site in FOOT_SITES]
    missing = [site for site, number in zip(FOOT_SITES, ids, strict=True) if number < 0]
    if missing:
        have = [model.site(i).name for i in range(model.nsite)]
        raise WalkerError(
            "the walker's feet are not marked",
            where=name,
            got=f"sites {', '.join(have) or 'none'}",
            expected=f"sites {', '.join(missing)}",
            fix="add them to the soles",
        )
    return np.array(ids)


def _foot_geoms(model: mujoco.MjModel, sites: np.ndarray, name: str) -> np.ndarray:
    floor = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, "floor")
    if floor < 0:
        raise WalkerError("the model has no floor", where=name, expected="a plane geom named floor")
    feet = set(model.site_bodyid[sites])
    touches = [
        geom
        for geom in range(model.ngeom)
        if model.geom_bodyid[geom] in feet
        and (
            model.geom_contype[geom] & model.geom_conaffinity[floor]
            or model.geom_conaffinity[geom] & model.geom_contype[floor]
        )
    ]
    if not touches:
        raise WalkerError("no geom of the feet can touch the floor", where=name, fix="set contype and conaffinity")
    return np.array(touches)


def _contact_points(model: mujoco.MjModel, geoms: np.ndarray) -> ContactPoints:
    bodies, positions, radii = [], [], []
    for geom in geoms:
        kind, size = model.geom_type[geom], model.geom_size[geom]
        if kind == mujoco.mjtGeom.mjGEOM_BOX:
            local = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * size
            radius = 0.0
        elif kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
            local = np.array([(0, 0, -size[1]), (0, 0, size[1])])
            radius = size[0]
        elif kind == mujoco.mjtGeom.mjGEOM_SPHERE:
            local = np.zeros((1, 3))
            radius = size[0]
        else:
            raise WalkerError("a foot must stand on boxes, capsules or spheres", where=f"geom {model.geom(geom).name}")
        matrix = np.empty(9)
        mujoco.mju_quat2Mat(matrix, model.geom_quat[geom])
        positions.append(local @ matrix.reshape(3, 3).T + model.geom_pos[geom])
        bodies.append(np.full(len(local), model.geom_bodyid[geom]))
        radii.append(np.full(len(local), radius))
    return ContactPoints(
        _frozen(np.concatenate(bodies)), _frozen(np.concatenate(positions)), _frozen(np.concatenate(radii))
    )
