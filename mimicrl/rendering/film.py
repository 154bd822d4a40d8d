"""From a recorded motion to the pictures of a film: the camera, the ghost, the caption, in even time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import mujoco
import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.rendering import caption, video
from mimicrl.rendering.frames import FrameRenderer
from mimicrl.rendering.video import Format

Item = TypeVar("Item")
# How long the camera looks back and ahead, to glide where the walker surges [s].
_CAMERA_SPAN_S = 1.0
_STRIP_PICTURES = 8


@dataclass(frozen=True)
class Film:
    """What a video should be like.

    Attributes:
        seconds: Its length; by default all there is.
        fps: Pictures a second.
        width: [pixel].
        height: [pixel].
        kind: Its format.
        ghost: Whether the reference walks along.
    """

    seconds: float | None = None
    fps: float = 30.0
    width: int = 640
    height: int = 480
    kind: Format = "mp4"
    ghost: bool = True


@dataclass(frozen=True, eq=False)
class Take:
    """A motion to show.

    Attributes:
        model: The model that moves.
        times_s: Rising times from 0, evenly spaced [s], shape ``(T,)``, T at least 2.
        qpos: Configurations, shape ``(T, nq)``.
        ghost_qpos: Configurations of a translucent second figure, shape ``(T, nq)``.
        caption: Given a time [s], the lines below the picture.
    """

    model: mujoco.MjModel
    times_s: Array
    qpos: Array
    ghost_qpos: Array | None = None
    caption: Callable[[float], tuple[str, ...]] = lambda _: ()

    @property
    def duration_s(self) -> float:
        """Its length; each row lasts until the next one."""
        return len(self.times_s) * float(self.times_s[1])


def write(path: Path, takes: Sequence[Take], film: Film) -> int:
    """Write takes, side by side, as a video; return its number of pictures. See `mimicrl.rendering.video.write`."""
    length = max(take.duration_s for take in takes)
    fps = _STRIP_PICTURES / min(film.seconds or length, length) if film.kind == "png" else film.fps
    with contextlib.ExitStack() as opened:  # what draws is closed here, by the thread it is in, not by whoever is last
        shown = [frames(take, fps, film.width, film.height, seconds=film.seconds) for take in takes]
        films = [opened.enter_context(contextlib.closing(pictures)) for pictures in shown]
        return video.write(path, films[0] if len(films) == 1 else video.side_by_side(films), fps, film.kind)


def frames(
    take: Take, fps: float, width: int, height: int, *, seconds: float | None = None
) -> Generator[np.ndarray, None, None]:
    """Yield a film's pictures, uint8, shape ``(height, width, 3)``; of a whole take the last one shows its last row.

    Args:
        take: What is shown.
        fps: Pictures a second.
        width: [pixel].
        height: [pixel].
        seconds: Length of the film; by default, and at most, that of the take.

    Raises:
        MachineError: There is no OpenGL.
    """
    with contextlib.closing(ahead(_drawn(take, fps, width, height, seconds))) as drawn:
        for picture, time_s in drawn:
            yield caption.write(picture, take.caption(time_s))


def _drawn(
    take: Take, fps: float, width: int, height: int, seconds: float | None
) -> Generator[tuple[np.ndarray, float], None, None]:
    """Yield pictures without captions, and their times [s]; see `frames`."""
    step_s = float(take.times_s[1])
    length = take.duration_s if seconds is None else min(seconds, take.duration_s)
    pictures = max(1, round(length * fps))
    # Counted from the end, for a film to show where the motion got to.
    times = np.maximum(length - step_s - np.arange(pictures)[::-1] / fps, 0.0)
    qpos = at_times(take.times_s, take.qpos, times)
    ghost = None if take.ghost_qpos is None else at_times(take.times_s, take.ghost_qpos, times)
    camera_x = glide(take.times_s, take.qpos[:, 0], times)
    renderer = FrameRenderer(take.model, width, height)
    try:
        for row, time_s in enumerate(times):
            shade = None if ghost is None else ghost[row]
            yield renderer.frame(qpos[row], ghost_qpos=shade, look_at_x=camera_x[row]), float(time_s)
    finally:
        renderer.close()


def ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield what a generator yields, the next item made meanwhile in a thread, the generator's own from start to end.

    Args:
        items: The generator; it is closed when this one is.
    """
    end: Any = object()
    with ThreadPoolExecutor(1) as thread:
        try:
            coming = thread.submit(next, items, end)
            while (item := coming.result()) is not end:
                coming = thread.submit(next, items, end)
                yield item
        finally:
            thread.submit(items.close).result()  # after whatever is being made


def at_times(times_s: Array, qpos: Array, wanted_s: Array) -> Array:
    """Interpolate configurations of a free root and hinges.

    Args:
        times_s: Rising times [s], shape ``(T,)``.
        qpos: Configurations, shape ``(T, nq)``.
        wanted_s: Times [s], shape ``(F,)``.

    Returns:
        Configurations, shape ``(F, nq)``.
    """
    qpos = qpos.copy()
    quat = qpos[:, 3:7]
    # A quaternion and its opposite are one orientation; between them lies no short way.
    flips = np.where(np.einsum("ij,ij->i", quat[1:], quat[:-1]) < 0, -1.0, 1.0)
    quat[1:] *= np.cumprod(flips)[:, None]
    rows = np.column_stack([np.interp(wanted_s, times_s, column) for column in qpos.T])
    rows[:, 3:7] /= np.linalg.norm(rows[:, 3:7], axis=1, keepdims=True)
    return rows


def glide(times_s: Array, x: Array, wanted_s: Array) -> Array:
    """Return `x` without its fast ups and downs: its mean over a second around each wanted time, shape ``(F,)``."""
    reach = min(round(0.5 * _CAMERA_SPAN_S / (times_s[1] - times_s[0])), len(x) - 1)
    # At its ends the motion goes on as it was, or the camera would stand still there.
    padded = np.pad(x, reach, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, np.full(2 * reach + 1, 1.0 / (2 * reach + 1)), mode="valid")
    return np.interp(wanted_s, times_s, smooth)
