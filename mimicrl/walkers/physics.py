"""What of a walker the simulation needs: its model without the parts that are only looked at."""

from __future__ import annotations

import mujoco
import numpy as np

# What motion depends on, besides geoms. Where removing a geom changes one of these, it was not only looks.
_SIZES = ("nq", "nv", "nu", "na", "nbody", "nsite", "npair", "nexclude", "neq", "ntendon", "nsensor", "nkey", "nmocap")
_BODIES = ("body_mass", "body_inertia", "body_ipos", "body_iquat", "body_gravcomp")


def without_looks(spec: mujoco.MjSpec, model: mujoco.MjModel) -> mujoco.MjModel:
    """Return a model that moves to the same bits, without geoms that touch nothing, lights and cameras.

    A geom whose shape a fluid acts on stays. MuJoCo computes the pose of every geom in every physics step, whether it
    touches anything or not.

    Args:
        spec: What the model was compiled from; stays as it is.
        model: The model.

    Returns:
        The smaller model, or `model` where nothing can be left out, as a body's mass or the like hangs on it.
    """
    bare = spec.copy()
    looks = [geom for geom in bare.geoms if not (geom.contype or geom.conaffinity or geom.fluid_ellipsoid)]
    unneeded = [*looks, *bare.lights, *bare.cameras]
    if not unneeded:
        return model
    for element in unneeded:
        bare.delete(element)
    try:
        smaller = bare.compile()
    except ValueError:  # something refers to what is gone
        return model
    same = all(getattr(smaller, size) == getattr(model, size) for size in _SIZES) and all(
        np.array_equal(getattr(smaller, name), getattr(model, name)) for name in _BODIES
    )
    return smaller if same else model
