"""Which OpenGL backend draws without a screen: EGL, or OSMesa where EGL does not work, or the one `MUJOCO_GL` names.

PyOpenGL binds to one backend when it is first imported, and a broken driver may end the process. So each backend draws
a test picture in a process of its own.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache

from mimicrl.errors import MachineError

HEADLESS = ("cgl",) if sys.platform == "darwin" else ("egl", "osmesa")
REMEDY = "apt-get install libegl1 libgl1-mesa-dri libopengl0, or libosmesa6"
_NO_NAME = {"", "disable", "disabled", "enable", "enabled"}
_wanted: str | None = None
_TIMEOUT_S = 60.0
_TEST_WORLD = '<mujoco><worldbody><light pos="0 0 3"/><geom type="sphere" size=".5"/></worldbody></mujoco>'


@dataclass(frozen=True)
class OpenGL:
    """A backend that works on this machine.

    Attributes:
        backend: ``egl``, ``osmesa`` or ``cgl``.
        renderer: What draws, such as ``llvmpipe`` or the name of a graphics card.
    """

    backend: str
    renderer: str


def defer() -> None:
    """Keep MuJoCo from binding OpenGL when it is imported: a missing backend would fail commands that never draw.

    Call it before MuJoCo is imported. The backend that ``MUJOCO_GL`` asks for is used when something is drawn.
    """
    global _wanted
    asked = os.environ.get("MUJOCO_GL", "")
    if _wanted is None or asked != "disable":  # not deferred already
        _wanted = asked
    os.environ["MUJOCO_GL"] = "disable"


def wanted() -> str:
    """Return the backend that ``MUJOCO_GL`` asks for, or an empty string."""
    name = (os.environ.get("MUJOCO_GL", "") if _wanted is None else _wanted).lower().strip()
    return "" if name in _NO_NAME else name


def choose() -> OpenGL:
    """Return the first backend that draws a picture on this machine.

    Raises:
        MachineError: None does.
    """
    return _choose(wanted())


@cache
def _choose(name: str) -> OpenGL:
    failures = []
    for backend in (name,) if name else HEADLESS:
        found = attempt(backend)
        if isinstance(found, OpenGL):
            return found
        failures.append(f"{backend}: {found}")
    raise MachineError(
        "cannot draw without OpenGL",
        where=f"MUJOCO_GL={name}" if name else "MUJOCO_GL is not set",
        got="; ".join(failures),
        fix=REMEDY if name in ("", *HEADLESS) else f"unset MUJOCO_GL, or set it to {' or '.join(HEADLESS)}",
    )


def attempt(backend: str) -> OpenGL | str:
    """Draw a test picture in a process of its own; return what drew it, or what went wrong."""
    from mimicrl import isolated  # imports NumPy, which the command line must not do before it has set its threads

    # The test must not inherit the backend that this process is bound to.
    environment = {"MUJOCO_GL": "disable", "PYOPENGL_PLATFORM": None}
    try:
        result = isolated.run(f"{__name__}:draw_test_picture", backend, seconds=_TIMEOUT_S, environment=environment)
    except MachineError as error:
        return " ".join(error.got.split())
    except isolated.Crashed as error:
        return f"the driver crashed with {error}"
    except isolated.NoResult as error:
        return str(error)
    if result["contrast"] < 1.0:
        return f"{result['renderer']} draws an empty picture"
    return OpenGL(backend, result["renderer"])


def draw_test_picture(backend: str) -> dict[str, str | float]:
    """Draw a sphere in this process.

    Returns:
        ``contrast``, the standard deviation of the picture's values, and ``renderer``, what drew it.

    Raises:
        MachineError: The backend does not work here.
    """
    import mujoco

    from mimicrl.rendering.frames import FrameRenderer

    renderer = FrameRenderer(mujoco.MjModel.from_xml_string(_TEST_WORLD), 64, 64, backend=backend)
    picture = renderer.draw(look_at=(0.0, 0.0, 0.0))
    from OpenGL import GL  # bound to the backend by now

    name = GL.glGetString(GL.GL_RENDERER) or b"?"
    renderer.close()
    return {"contrast": float(picture.std()), "renderer": name.decode()}
