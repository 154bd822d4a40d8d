"""`mimicrl motion play`: shows a motion on a walker as a video. It uses no policy and no physics."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.rendering import film
from mimicrl.rendering.film import Animation, VideoOptions
from mimicrl.walkers.walker import Walker

_CYCLIC_SECONDS = 10.0


def play(reference: ReferenceTrajectory, walker: Walker, out: Path, settings: VideoOptions | None = None) -> Path:
    """Write a video of a motion on a walker.

    By default the video shows ten seconds if the motion repeats. Otherwise it shows the whole motion.

    Raises:
        MachineError: OpenGL, ffmpeg or space on the disk is missing.
    """
    settings = settings or VideoOptions()
    seconds = settings.seconds or (_CYCLIC_SECONDS if reference.cyclic else reference.duration_s)
    if not reference.cyclic:
        seconds = min(seconds, reference.duration_s)
    times = np.linspace(0.0, seconds, max(2, round(100 * seconds)), endpoint=False)
    frame = reference.at_time(times)
    qpos = walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    about = f"{reference.clip.name} on {walker.name}"

    def caption(time_s: float) -> tuple[str, ...]:
        return about, f"{reference.speed_mps:.2f} m/s   {time_s:.1f} s   {reference.speed_mps * time_s:.1f} m"

    film.write(out, [Animation(walker.model, times, qpos, caption=caption)], settings)
    return out
