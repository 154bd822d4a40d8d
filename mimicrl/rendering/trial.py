"""A picture by one kind of OpenGL, for a process that its driver may crash: see `gl`."""

from __future__ import annotations

import mujoco

from mimicrl.rendering.frames import FrameRenderer

_WORLD = '<mujoco><worldbody><light pos="0 0 3"/><geom type="sphere" size=".5"/></worldbody></mujoco>'


def draw(backend: str) -> dict[str, str | float]:
    """Draw a sphere.

    Returns:
        ``contrast``, the standard deviation of the picture's values, and ``renderer``, what drew it.

    Raises:
        MachineError: The backend does not work here.
    """
    renderer = FrameRenderer(mujoco.MjModel.from_xml_string(_WORLD), 64, 64, backend=backend)
    picture = renderer.draw(look_at=(0.0, 0.0, 0.0))
    from OpenGL import GL  # bound to the backend by now

    name = GL.glGetString(GL.GL_RENDERER)
    renderer.close()
    return {"contrast": float(picture.std()), "renderer": (name or b"?").decode()}
