"""Draw pictures of simulation states, without a screen."""

from __future__ import annotations

import copy
import importlib
import os
import sys
from typing import Any

import mujoco
import numpy as np

from mimicrl.errors import MachineError
from mimicrl.geometry.rotations import Array
from mimicrl.rendering import opengl

# The camera follows the walker forward, but not its bobbing up and down.
LOOK_AT_HEIGHT_M = 0.85
_DISTANCE_M = 3.2
_AZIMUTH_DEG = 70.0
_ELEVATION_DEG = -9.0
# Facets of round shapes. Software OpenGL handles their corners one by one: a picture takes a quarter less time than
# with MuJoCo's 28 and 16, and the difference can hardly be seen.
_SLICES, _STACKS = 16, 10
_GHOST_RGBA = (0.95, 0.55, 0.15, 0.4)
_SHADE_RGBA = (0.0, 0.0, 0.0, 0.22)
_SHADE_M = (0.28, 0.2, 0.001)


class FrameRenderer:
    """Draws a walker from the side, the camera beside it.

    It is made for software OpenGL, where shadows and antialiasing each cost more than the rest of the picture. A dark
    spot on the floor shows where the walker stands instead.

    Args:
        model: The model.
        width: [pixel].
        height: [pixel].
        backend: The OpenGL backend, by default one that works here: `mimicrl.rendering.opengl.choose`.

    Raises:
        MachineError: There is no OpenGL for headless rendering.
    """

    def __init__(
        self, model: mujoco.MjModel, width: int = 640, height: int = 480, *, backend: str | None = None
    ) -> None:
        model = self._model = copy.copy(model)  # others share the walker's own model
        model.vis.quality.offsamples = 0
        model.vis.quality.numslices, model.vis.quality.numstacks = _SLICES, _STACKS
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        self._data, self._ghost_data = mujoco.MjData(model), mujoco.MjData(model)
        self._context, self._drawing = _open_gl(backend or opengl.choose().backend, model, width, height)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._drawing)
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._option, self._perturbation = mujoco.MjvOption(), mujoco.MjvPerturb()
        self._camera = mujoco.MjvCamera()
        self._camera.distance = _DISTANCE_M
        self._camera.azimuth = _AZIMUTH_DEG
        self._camera.elevation = _ELEVATION_DEG

    def frame(self, qpos: Array, *, ghost_qpos: Array | None = None, look_at_x: float | None = None) -> np.ndarray:
        """Return a picture, uint8, shape ``(height, width, 3)``.

        Args:
            qpos: The walker's configuration, shape ``(nq,)``.
            ghost_qpos: A second, translucent figure, shape ``(nq,)``.
            look_at_x: Where the camera looks [m]; by default at the walker.
        """
        self._data.qpos[:] = qpos
        look_at = (qpos[0] if look_at_x is None else look_at_x, qpos[1], LOOK_AT_HEIGHT_M)
        return self.draw(look_at, ghost_qpos)

    def draw(self, look_at: tuple[float, float, float], ghost_qpos: Array | None = None) -> np.ndarray:
        """Return a picture of the model as it is, the camera looking at a point [m]; see `frame`."""
        self._context.make_current()
        mujoco.mj_forward(self._model, self._data)
        self._camera.lookat[:] = look_at
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, self._perturbation, self._camera, everything, self._scene
        )
        if self._model.nq >= 7:
            self._add_shade(self._data.qpos)
        if ghost_qpos is not None:
            self._add_ghost(ghost_qpos)
        mujoco.mjr_render(self._viewport, self._scene, self._drawing)
        pixels = np.empty((self._viewport.height, self._viewport.width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._viewport, self._drawing)
        return pixels[::-1].copy()

    def close(self) -> None:
        """Release the OpenGL context; the renderer cannot be used afterwards."""
        self._context.make_current()
        self._drawing.free()
        self._context.free()

    def _add_ghost(self, qpos: Array) -> None:
        scene, before = self._scene, self._scene.ngeom
        self._ghost_data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._ghost_data)
        moving = mujoco.mjtCatBit.mjCAT_DYNAMIC
        mujoco.mjv_addGeoms(self._model, self._ghost_data, self._option, self._perturbation, moving, scene)
        for index in range(before, scene.ngeom):
            scene.geoms[index].rgba[:] = _GHOST_RGBA
        self._add_shade(qpos)

    def _add_shade(self, qpos: Array) -> None:
        scene = self._scene
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mujoco.mjtGeom.mjGEOM_ELLIPSOID,
            np.array(_SHADE_M),
            np.array([qpos[0], qpos[1], 0.001]),
            np.eye(3).ravel(),
            np.array(_SHADE_RGBA, np.float32),
        )
        scene.ngeom += 1


def _open_gl(backend: str, model: mujoco.MjModel, width: int, height: int) -> tuple[Any, mujoco.MjrContext]:
    """Return a current OpenGL context and MuJoCo's drawing state in it.

    `mujoco.Renderer` cannot be told the backend: it takes the one that was chosen when mujoco was imported.
    """
    if "OpenGL" not in sys.modules:  # PyOpenGL is not bound yet: what the variable names need not be this backend
        os.environ.pop("PYOPENGL_PLATFORM", None)
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
        return context, mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
    except Exception as error:  # each backend fails in its own way: ImportError, EGLError, FatalError, …
        raise MachineError(
            "cannot draw without OpenGL", where=backend, got=f"{type(error).__name__}: {error}", fix=opengl.REMEDY
        ) from error
