"""A recorded motion in MuJoCo's interactive viewer, again and again until its window is closed."""

from __future__ import annotations

import os
import sys
import time

import mujoco
import mujoco.viewer
import numpy as np

from mimicrl.errors import MachineError
from mimicrl.rendering import film
from mimicrl.rendering.film import Take

_RATE_HZ = 60.0


def show(take: Take) -> None:
    """Show a take at its own speed; the mouse turns the view, double-click follows a body.

    Raises:
        MachineError: There is no display.
    """
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise MachineError("the viewer needs a display", got="no DISPLAY", fix="leave out --view to write a video")
    times = np.arange(0.0, take.times_s[-1], 1.0 / _RATE_HZ)
    rows = film.at_times(take.times_s, take.qpos, times)
    data = mujoco.MjData(take.model)
    with mujoco.viewer.launch_passive(take.model, data, show_left_ui=False, show_right_ui=False) as viewer:
        while viewer.is_running():
            begin = time.monotonic()
            for time_s, row in zip(times, rows, strict=True):
                if not viewer.is_running():
                    return
                data.qpos[:] = row
                mujoco.mj_forward(take.model, data)
                viewer.sync()
                time.sleep(max(0.0, begin + time_s - time.monotonic()))
