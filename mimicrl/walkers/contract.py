"""The contract of a walker's MJCF (see `mimicrl.walkers.walker`): each check refuses what breaks it, with a remedy."""

from __future__ import annotations

import re
from collections.abc import Sequence

import mujoco
import numpy as np

from mimicrl.errors import WalkerError


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
            fix="inline what it includes, and replace meshes by primitive geoms",
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
    if np.any(model.jnt_type[1:] != mujoco.mjtJoint.mjJNT_HINGE):
        raise WalkerError("every joint but the root must be a hinge", where=name)
    unlimited = [model.joint(joint).name for joint in joints if not model.jnt_limited[joint]]
    if unlimited:
        raise WalkerError("a joint has no limits", where=name, got=", ".join(unlimited), fix='add range="LOW HIGH"')
    if len(set(joints)) != len(joints):
        raise WalkerError("a joint has two actuators", where=name, expected="one for each controlled hinge")
    if model.na or np.any(model.actuator_biastype != mujoco.mjtBias.mjBIAS_AFFINE):
        raise WalkerError(
            "every actuator must be a plain position servo",
            where=name,
            fix='use <position kp="…" kv="…"> instead of <motor>, or give gains in walker.yaml',
        )
    if np.any(model.actuator_forcerange[:, 1] <= 0):
        raise WalkerError("every actuator needs a forcerange", where=name, fix='add forcerange="-200 200"')
    return joints


def site_ids(model: mujoco.MjModel, sites: Sequence[str], name: str) -> np.ndarray:
    """Return the ids of some sites.

    Raises:
        WalkerError: One is missing.
    """
    ids = [mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, site) for site in sites]
    missing = [site for site, number in zip(sites, ids, strict=True) if number < 0]
    if missing:
        have = [model.site(i).name for i in range(model.nsite)]
        raise WalkerError(
            "the walker's feet or end effectors are not marked",
            where=name,
            got=f"sites {', '.join(have) or 'none'}",
            expected=f"sites {', '.join(missing)}",
            fix="add them to the MJCF, or name others in walker.yaml",
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
    able = (model.geom_contype & model.geom_conaffinity[floor]) | (model.geom_conaffinity & model.geom_contype[floor])
    touches = np.flatnonzero(np.isin(model.geom_bodyid, model.site_bodyid[sites]) & (able != 0))
    if not len(touches):
        raise WalkerError("no geom of the feet can touch the floor", where=name, fix="set contype and conaffinity")
    return touches
