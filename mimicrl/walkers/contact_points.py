"""The points of the feet that can touch the floor."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.geometry.rotations import Array


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

    @classmethod
    def of(cls, model: mujoco.MjModel, geoms: np.ndarray) -> ContactPoints:
        """Return the points that bound some geoms.

        Raises:
            WalkerError: A geom is neither box, capsule nor sphere.
        """
        bodies, positions, radii = [], [], []
        for geom in geoms:
            local, radius = _bounds(model, geom)
            matrix = np.empty(9)
            mujoco.mju_quat2Mat(matrix, model.geom_quat[geom])
            positions.append(local @ matrix.reshape(3, 3).T + model.geom_pos[geom])
            bodies.append(np.full(len(local), model.geom_bodyid[geom]))
            radii.append(np.full(len(local), radius))
        return cls(frozen(np.concatenate(bodies)), frozen(np.concatenate(positions)), frozen(np.concatenate(radii)))


def frozen(array: np.ndarray) -> np.ndarray:
    """Return a read-only copy."""
    array = np.array(array)
    array.setflags(write=False)
    return array


def _bounds(model: mujoco.MjModel, geom: int) -> tuple[Array, float]:
    """Return points in the frame of a geom [m], shape ``(K, 3)``, and the radius around them [m]."""
    kind, size = model.geom_type[geom], model.geom_size[geom]
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * size, 0.0
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return np.array([(0, 0, -size[1]), (0, 0, size[1])]), size[0]
    if kind == mujoco.mjtGeom.mjGEOM_SPHERE:
        return np.zeros((1, 3)), size[0]
    raise WalkerError("a foot must stand on boxes, capsules or spheres", where=f"geom {model.geom(geom).name}")
