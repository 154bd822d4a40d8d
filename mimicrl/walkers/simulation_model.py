"""Strip geoms that touch nothing, lights and cameras from a model, for simulations."""

from __future__ import annotations

import mujoco
import numpy as np

# What motion depends on, besides geoms. Where removing a geom changes one of these, it was not only there to be seen.
_SIZES = ("nq", "nv", "nu", "na", "nbody", "nsite", "npair", "nexclude", "neq", "ntendon", "nsensor", "nkey", "nmocap")
_BODIES = ("body_mass", "body_inertia", "body_ipos", "body_iquat", "body_gravcomp")


def simulation_model(spec: mujoco.MjSpec, model: mujoco.MjModel) -> mujoco.MjModel:
    """Return a model that moves to the same bits, without geoms that touch nothing, lights and cameras.

    It is faster, because MuJoCo computes the pose of every geom in every physics step, whether it touches anything or
    not. A geom stays where a fluid acts on its shape.

    Args:
        spec: What the model was compiled from; stays as it is.
        model: The model.

    Returns:
        The smaller model, or `model` where nothing can be removed because a mass, a sensor or the like depends on it.
    """
    bare = spec.copy()
    visual = [geom for geom in bare.geoms if not (geom.contype or geom.conaffinity or geom.fluid_ellipsoid)]
    unneeded = [*visual, *bare.lights, *bare.cameras]
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
