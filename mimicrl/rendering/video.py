"""Writing pictures as an mp4 that plays everywhere, a GIF, or a strip of pictures; whole or not at all."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import imageio.v2 as imageio
import imageio_ffmpeg
import numpy as np
from PIL import Image

from mimicrl import artifacts
from mimicrl.errors import ConfigError, MachineError

Format = Literal["mp4", "gif", "png"]

CODEC = "libx264"
_GIF_FPS = 50.0  # pictures of less than two hundredths of a second are shown for ten
_REMEDY = "free some space, or apt-get install ffmpeg and set IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg"


def write(path: Path, frames: Iterable[np.ndarray], fps: float, kind: Format = "mp4") -> int:
    """Write pictures to a file.

    Args:
        path: The file; nothing of an earlier one is touched before the new one is complete.
        frames: Pictures of one size, uint8, shape ``(height, width, 3)``, made as they are needed.
        fps: Pictures a second.
        kind: ``mp4`` is H.264, yuv420p, with its index in front, so that it starts to play while it loads; ``png`` is
            one strip of the pictures side by side.

    Returns:
        Number of pictures.

    Raises:
        ConfigError: The file's ending is that of another format, or a GIF would have more than 50 pictures a second.
        MachineError: ffmpeg is missing, lacks H.264, or ended early; the disk is full.
    """
    if path.suffix.lower() != f".{kind}":
        raise ConfigError(
            "the video's ending is not that of its format",
            where=path,
            got=path.suffix or "none",
            expected=f".{kind}",
            fix="change the ending, or give --format mp4, gif or png",
        )
    if kind == "gif" and fps > _GIF_FPS:
        raise ConfigError("a GIF cannot be that fast", where="--fps", got=f"{fps:g}", expected=f"at most {_GIF_FPS:g}")
    with artifacts.atomic_file(path) as temporary:
        temporary.touch()  # a place that cannot be written is told as such, and not as a failure of ffmpeg
        return {"mp4": _write_mp4, "gif": _write_gif, "png": _write_strip}[kind](temporary, path, frames, fps)


def check_ffmpeg() -> str:
    """Write a video of a second; return the version of the ffmpeg that did.

    Raises:
        MachineError: There is no ffmpeg, or it cannot write H.264.
    """
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "trial.mp4"), (np.full((32, 32, 3), grey, np.uint8) for grey in range(30)), 30.0)
    return imageio_ffmpeg.get_ffmpeg_version()


def _write_mp4(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    # The options keep dates and versions out, and one thread makes equal pictures equal files.
    options = ["-preset", "veryfast", "-movflags", "+faststart", "-fflags", "+bitexact", "-threads", "1"]
    count = 0
    try:
        with imageio.get_writer(
            str(temporary),
            format="FFMPEG",  # type: ignore[arg-type]
            mode="I",
            fps=fps,
            codec=CODEC,
            quality=None,
            pixelformat="yuv420p",
            macro_block_size=1,
            ffmpeg_log_level="error",
            ffmpeg_params=["-crf", "23", *options],
        ) as writer:
            for frame in frames:
                writer.append_data(_even(frame))  # type: ignore[attr-defined]
                count += 1
    except (OSError, RuntimeError) as error:
        raise MachineError(
            "ffmpeg cannot write the video", where=path, got=str(error).splitlines()[0], fix=_REMEDY
        ) from error
    found = _readable(temporary)
    if found != count:
        raise MachineError("the video is incomplete", where=path, got=f"{found} pictures", expected=count, fix=_REMEDY)
    return count


def _readable(path: Path) -> int:
    """Return how many pictures of a video can be read: nothing else tells how its ffmpeg ended."""
    try:
        return imageio_ffmpeg.count_frames_and_secs(str(path))[0] or 0
    except RuntimeError:
        return 0


def _write_gif(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    # A palette each as they come: a byte a pixel instead of three.
    pictures = [Image.fromarray(frame).quantize() for frame in frames]
    # A GIF counts hundredths of a second; rounded where each picture starts, they do not add up to a wrong speed.
    starts_cs = np.rint(100 / fps * np.arange(len(pictures) + 1)).astype(int)
    durations_ms = (10 * np.diff(starts_cs)).tolist()
    pictures[0].save(temporary, format="GIF", save_all=True, append_images=pictures[1:], duration=durations_ms, loop=0)
    return len(pictures)


def _write_strip(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    pictures = list(frames)
    Image.fromarray(np.concatenate(pictures, axis=1)).save(temporary, format="PNG")
    return len(pictures)


def _even(frame: np.ndarray) -> np.ndarray:
    """Return a picture of even width and height, which yuv420p needs; the last row and column may repeat."""
    odd = [size % 2 for size in frame.shape[:2]]
    return np.pad(frame, ((0, odd[0]), (0, odd[1]), (0, 0)), mode="edge") if any(odd) else frame


def side_by_side(films: Sequence[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    """Return pictures with those of several films of one size in a grid; a film that has ended keeps its last."""
    columns = int(np.ceil(np.sqrt(len(films))))
    last: list[np.ndarray] = []
    for pictures in itertools.zip_longest(*films):
        last = [old if new is None else new for new, old in itertools.zip_longest(pictures, last)]
        empty = np.full_like(last[0], 255)
        tiles = last + [empty] * (-len(last) % columns)
        rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
        yield np.concatenate(rows, axis=0)
