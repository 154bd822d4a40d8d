"""Play a recorded motion in MuJoCo's interactive viewer until its window is closed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator

import glfw
import mujoco
import mujoco.viewer
import numpy as np

from mimicrl.errors import MachineError
from mimicrl.rendering import film
from mimicrl.rendering.film import Animation

_RATE_HZ = 60.0


def show(animation: Animation) -> None:
    """Play an animation at its own speed, over and over; the mouse turns the view, a double click follows a body.

    Raises:
        MachineError: There is no display.
    """
    _require_display()
    times = np.arange(0.0, animation.times_s[-1], 1.0 / _RATE_HZ)
    rows = film.at_times(animation.times_s, animation.qpos, times)
    data = mujoco.MjData(animation.model)
    with (
        _threads_ended(),
        mujoco.viewer.launch_passive(animation.model, data, show_left_ui=False, show_right_ui=False) as viewer,
    ):
        while viewer.is_running():
            begin = time.monotonic()
            for time_s, row in zip(times, rows, strict=True):
                if not viewer.is_running():
                    return
                data.qpos[:] = row
                mujoco.mj_forward(animation.model, data)
                time.sleep(max(0.0, begin + time_s - time.monotonic()))
                viewer.sync()


@contextlib.contextmanager
def _threads_ended() -> Iterator[None]:
    """Wait at the end for the threads that the block started.

    The viewer's thread draws the window and would crash if the process ended before it.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        for thread in set(threading.enumerate()) - before:
            thread.join(timeout=5.0)


def _require_display() -> None:
    """Raise where no window can be opened; MuJoCo would end the process and not say what to do."""
    names = ("DISPLAY", "WAYLAND_DISPLAY")
    found = ", ".join(f"{name}={os.environ[name]}" for name in names if os.environ.get(name))
    if found or sys.platform != "linux":
        with warnings.catch_warnings(action="ignore"):  # GLFW warns of what the error below says
            if glfw.init():
                glfw.terminate()  # the viewer's thread initialises GLFW itself
                return
    raise MachineError("the viewer needs a display", got=found or "no DISPLAY", fix="leave out --view to write a video")
