"""Turn recorded motions into the pictures of a film: evenly spaced in time, with camera, ghost and caption."""

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
from mimicrl.rendering import caption, encode
from mimicrl.rendering.encode import Format
from mimicrl.rendering.frames import FrameRenderer

Item = TypeVar("Item")
Pictures = Generator[np.ndarray, None, None]
# The camera follows the walker's mean position over this time [s], so that it glides where the walker surges.
_CAMERA_SPAN_S = 1.0
_STRIP_PICTURES = 8


@dataclass(frozen=True)
class VideoOptions:
    """What a video should be like.

    Attributes:
        seconds: Its length; by default that of the motion.
        fps: Pictures per second.
        width: [pixel].
        height: [pixel].
        kind: Its format.
        ghost: Whether the reference walks beside the walker.
    """

    seconds: float | None = None
    fps: float = 30.0
    width: int = 640
    height: int = 480
    kind: Format = "mp4"
    ghost: bool = True


@dataclass(frozen=True, eq=False)
class Animation:
    """A motion to show.

    Attributes:
        model: The model that moves.
        times_s: Rising times from 0, evenly spaced [s], shape ``(T,)``, T at least 2.
        qpos: Configurations, shape ``(T, nq)``.
        ghost_qpos: Configurations of a translucent second figure, shape ``(T, nq)``.
        caption: Returns the lines below the picture, given a time [s].
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


def write(path: Path, animations: Sequence[Animation], options: VideoOptions) -> int:
    """Write animations side by side as a video; return its number of pictures. See `mimicrl.rendering.encode.write`."""
    length = max(animation.duration_s for animation in animations)
    fps = options.fps
    if options.kind == "png":
        fps = _STRIP_PICTURES / min(options.seconds or length, length)
    with contextlib.ExitStack() as opened:  # OpenGL must be closed by the thread that opened it, so it is closed here
        films = [
            opened.enter_context(
                contextlib.closing(frames(animation, fps, options.width, options.height, seconds=options.seconds))
            )
            for animation in animations
        ]
        return encode.write(path, films[0] if len(films) == 1 else encode.side_by_side(films), fps, options.kind)


def frames(animation: Animation, fps: float, width: int, height: int, *, seconds: float | None = None) -> Pictures:
    """Yield a film's pictures, uint8, shape ``(height, width, 3)``.

    The last picture of a whole animation shows its last row.

    Args:
        animation: What is shown.
        fps: Pictures per second.
        width: [pixel].
        height: [pixel].
        seconds: Length of the film; by default, and at most, that of the animation.

    Raises:
        MachineError: There is no OpenGL.
    """
    step_s = float(animation.times_s[1])
    length = animation.duration_s if seconds is None else min(seconds, animation.duration_s)
    pictures = max(1, round(length * fps))
    # Counted back from the end, so that the last picture shows where the motion ended.
    times = np.maximum(length - step_s - np.arange(pictures)[::-1] / fps, 0.0)
    with contextlib.closing(ahead(_without_captions(animation, times, width, height))) as drawn:
        for picture, time_s in zip(drawn, times, strict=True):
            yield caption.write(picture, animation.caption(float(time_s)))


def _without_captions(animation: Animation, times: Array, width: int, height: int) -> Pictures:
    qpos = at_times(animation.times_s, animation.qpos, times)
    ghosts = (
        [None] * len(times)
        if animation.ghost_qpos is None
        else at_times(animation.times_s, animation.ghost_qpos, times)
    )
    camera_x = glide(animation.times_s, animation.qpos[:, 0], times)
    with contextlib.closing(FrameRenderer(animation.model, width, height)) as renderer:
        for row, ghost, x in zip(qpos, ghosts, camera_x, strict=True):
            yield renderer.frame(row, ghost_qpos=ghost, look_at_x=x)


def ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield what a generator yields, while a thread already makes the next item.

    The generator runs in that one thread from its start to its end, as OpenGL requires.

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
            thread.submit(items.close).result()  # waits for the item that is being made


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
    # A quaternion and its opposite are the same orientation. Interpolation needs neighbours of like sign.
    flips = np.where(np.einsum("ij,ij->i", quat[1:], quat[:-1]) < 0, -1.0, 1.0)
    quat[1:] *= np.cumprod(flips)[:, None]
    rows = np.column_stack([np.interp(wanted_s, times_s, column) for column in qpos.T])
    rows[:, 3:7] /= np.linalg.norm(rows[:, 3:7], axis=1, keepdims=True)
    return rows


def glide(times_s: Array, x: Array, wanted_s: Array) -> Array:
    """Return the mean of `x` over the second around each wanted time, shape ``(F,)``: `x` without its fast changes."""
    reach = min(round(0.5 * _CAMERA_SPAN_S / (times_s[1] - times_s[0])), len(x) - 1)
    # The motion is continued beyond its ends; otherwise the camera would slow down there.
    padded = np.pad(x, reach, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, np.full(2 * reach + 1, 1.0 / (2 * reach + 1)), mode="valid")
    return np.interp(wanted_s, times_s, smooth)
