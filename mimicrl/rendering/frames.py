"""From simulation states to images, headless: EGL by default, or what ``MUJOCO_GL`` names (osmesa, cgl, glfw)."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import mujoco
import numpy as np

from mimicrl.errors import MachineError
from mimicrl.rotations import Array

# The camera follows the walker's way, not its bobbing up and down.
_LOOK_AT_HEIGHT_M = 0.85
_DISTANCE_M = 3.2
_AZIMUTH_DEG = 70.0
_ELEVATION_DEG = -9.0


class FrameRenderer:
    """Draws a walker from the side, the camera beside it.

    Args:
        model: The model.
        width: [pixel].
        height: [pixel].

    Raises:
        MachineError: There is no OpenGL for headless rendering.
    """

    def __init__(self, model: mujoco.MjModel, width: int = 640, height: int = 480) -> None:
        self._model = model
        self._data = mujoco.MjData(model)
        self._context, self._drawing = _open_gl(model, width, height)
        mujoco.mjr_resizeOffscreen(width, height, self._drawing)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._drawing)
        self._viewport = mujoco.MjrRect(0, 0, width, height)
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.distance = _DISTANCE_M
        self._camera.azimuth = _AZIMUTH_DEG
        self._camera.elevation = _ELEVATION_DEG

    def frame(self, qpos: Array) -> np.ndarray:
        """Return a picture, uint8, shape ``(height, width, 3)``, of a configuration, shape ``(nq,)``."""
        self._context.make_current()
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._data)
        self._camera.lookat[:] = (qpos[0], qpos[1], _LOOK_AT_HEIGHT_M)
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            self._option,
            None,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        mujoco.mjr_render(self._viewport, self._scene, self._drawing)
        pixels = np.empty((self._viewport.height, self._viewport.width, 3), np.uint8)
        mujoco.mjr_readPixels(pixels, None, self._viewport, self._drawing)
        return pixels[::-1].copy()

    def close(self) -> None:
        """Release the OpenGL context; the renderer cannot be used afterwards."""
        self._drawing.free()
        self._context.free()


def _open_gl(model: mujoco.MjModel, width: int, height: int) -> tuple[Any, mujoco.MjrContext]:
    """Return a current OpenGL context and MuJoCo's drawing state in it.

    `mujoco.Renderer` takes the backend that was named when mujoco was imported, which may be long ago and was for
    a display; this one asks now.
    """
    backend = os.environ.get("MUJOCO_GL", "").lower().strip() or ("cgl" if sys.platform == "darwin" else "egl")
    try:
        context = importlib.import_module(f"mujoco.{backend}").GLContext(width, height)
        context.make_current()
        return context, mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
    except Exception as error:  # each backend fails in its own way: ImportError, EGLError, FatalError, …
        raise MachineError(
            "cannot render without OpenGL",
            where=f"MUJOCO_GL={backend}",
            got=f"{type(error).__name__}: {error}",
            fix="apt-get install libegl1 libgl1-mesa-dri libopengl0, or libosmesa6 and MUJOCO_GL=osmesa",
        ) from error
