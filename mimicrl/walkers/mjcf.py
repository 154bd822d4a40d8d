"""Reading the contract of a walker's MJCF (see `mimicrl.walkers.walker`), and refusing what breaks it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.geometry.rotations import MIRROR_AXIAL, Array

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


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only copy."""
    array = np.array(array)
    array.setflags(write=False)
    return array


def refuse_files(xml: str, name: str) -> None:
    """Refuse MJCF that reaches for other files, through includes, meshes, plugins or entities.

    Raises:
        WalkerError: It does.
    """
    found = re.search(r"<\s*include\b|\bfile\w*\s*=|<\s*(?:extension|plugin)\b|<!(?:DOCTYPE|ENTITY)\b", xml)
    if found:
        raise WalkerError(
            "a walker must be one self-contained MJCF file",
            where=name,
            got=f"'{found.group(0)}'",
            fix="inline what it includes and use primitive geoms",
        )


def actuated_hinges(model: mujoco.MjModel, name: str) -> np.ndarray:
    """Return the joint of each actuator, shape ``(J,)``.

    Raises:
        WalkerError: The root is not the one free joint, or an actuator is not a limited servo of a hinge.
    """
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
    if model.njnt > 1 and np.any(model.jnt_type[1:] != mujoco.mjtJoint.mjJNT_HINGE):
        raise WalkerError("every joint but the root must be a hinge", where=name)
    if np.any(model.jnt_limited[joints] == 0):
        free = [model.joint(joint).name for joint in joints if not model.jnt_limited[joint]]
        raise WalkerError("a joint has no limits", where=name, got=", ".join(free), fix='add range="LOW HIGH"')
    if len(set(joints)) != len(joints):
        raise WalkerError("a joint has two actuators", where=name, expected="one for each controlled hinge")
    if model.na or np.any(model.actuator_biastype != mujoco.mjtBias.mjBIAS_AFFINE):
        raise WalkerError(
            "every actuator must be a plain position servo",
            where=name,
            fix='use <position kp="…" kv="…"> instead of <motor>',
        )
    if np.any(model.actuator_forcerange[:, 1] <= 0):
        raise WalkerError("every actuator needs a forcerange", where=name, fix='add forcerange="-200 200"')
    return joints


def mirror_map(
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


def foot_sites(model: mujoco.MjModel, name: str) -> np.ndarray:
    """Return the ids of the sites in `FOOT_SITES`, shape ``(4,)``.

    Raises:
        WalkerError: One is missing.
    """
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


def foot_geoms(model: mujoco.MjModel, sites: np.ndarray, name: str) -> np.ndarray:
    """Return the ids of the feet's geoms that can touch the floor, shape ``(G,)``.

    Raises:
        WalkerError: There is no floor, or nothing of the feet can touch it.
    """
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


def contact_points(model: mujoco.MjModel, geoms: np.ndarray) -> ContactPoints:
    """Return the points that bound some geoms.

    Raises:
        WalkerError: A geom is neither box, capsule nor sphere.
    """
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
        frozen(np.concatenate(bodies)), frozen(np.concatenate(positions)), frozen(np.concatenate(radii))
    )
