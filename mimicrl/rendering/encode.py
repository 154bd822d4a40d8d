"""Write pictures as an mp4 that plays everywhere, a GIF, or a strip of pictures; the file is whole or absent."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import imageio_ffmpeg
import numpy as np
from PIL import Image

from mimicrl import artifacts
from mimicrl.errors import ConfigError, MachineError

Format = Literal["mp4", "gif", "png"]

CODEC = "libx264"
_GIF_FPS = 50.0  # browsers show pictures that ask for less than 20 ms for 100 ms
_REMEDY = "free some space, or apt-get install ffmpeg and set IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg"


def write(path: Path, frames: Iterable[np.ndarray], fps: float, kind: Format = "mp4") -> int:
    """Write pictures to a file.

    Args:
        path: The file. An earlier one stays untouched until the new one is complete.
        frames: One picture or more of one size, uint8, shape ``(height, width, 3)``, made as they are needed.
        fps: Pictures per second.
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
        temporary.touch()  # else a folder that cannot be written to would be reported as a failure of ffmpeg
        return {"mp4": _write_mp4, "gif": _write_gif, "png": _write_strip}[kind](temporary, path, frames, fps)


def check_ffmpeg() -> str:
    """Write a video of one second; return the version of ffmpeg.

    Raises:
        MachineError: There is no ffmpeg, or it cannot write H.264.
    """
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "trial.mp4"), (np.full((32, 32, 3), grey, np.uint8) for grey in range(30)), 30.0)
    return imageio_ffmpeg.get_ffmpeg_version()


def _write_mp4(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    # The parameters keep dates and versions out of the file. One thread makes equal pictures equal files.
    parameters = ["-crf", "23", "-preset", "veryfast", "-threads", "1"]
    parameters += ["-movflags", "+faststart", "-fflags", "+bitexact"]
    options: dict[str, Any] = {"fps": fps, "codec": CODEC, "quality": None, "output_params": parameters}
    pictures = map(_even, frames)
    first = next(pictures)
    height, width, _ = first.shape
    writer = imageio_ffmpeg.write_frames(
        str(temporary), (width, height), macro_block_size=1, ffmpeg_log_level="error", **options
    )
    count = 0
    try:
        with contextlib.closing(writer):
            writer.send(None)  # starts ffmpeg
            for picture in itertools.chain([first], pictures):
                writer.send(np.ascontiguousarray(picture))
                count += 1
    except (OSError, RuntimeError) as error:
        raise MachineError(
            "ffmpeg cannot write the video", where=path, got=str(error).splitlines()[0], fix=_REMEDY
        ) from error
    found = _count_readable(temporary)
    if found != count:
        raise MachineError("the video is incomplete", where=path, got=f"{found} pictures", expected=count, fix=_REMEDY)
    return count


def _count_readable(path: Path) -> int:
    """Return how many pictures of a video can be read: `write_frames` does not report how ffmpeg ended."""
    try:
        return imageio_ffmpeg.count_frames_and_secs(str(path))[0] or 0
    except RuntimeError:
        return 0


def _write_gif(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    # Each picture gets its palette as it comes: one byte per pixel in memory instead of three.
    pictures = [Image.fromarray(frame).quantize() for frame in frames]
    # A GIF counts in hundredths of a second. Rounding where pictures start, not how long they last, keeps the speed.
    starts_cs = np.rint(100 / fps * np.arange(len(pictures) + 1)).astype(int)
    durations_ms = (10 * np.diff(starts_cs)).tolist()
    pictures[0].save(temporary, format="GIF", save_all=True, append_images=pictures[1:], duration=durations_ms, loop=0)
    return len(pictures)


def _write_strip(temporary: Path, path: Path, frames: Iterable[np.ndarray], fps: float) -> int:
    pictures = list(frames)
    Image.fromarray(np.concatenate(pictures, axis=1)).save(temporary, format="PNG")
    return len(pictures)


def _even(frame: np.ndarray) -> np.ndarray:
    """Return a picture of even width and height, which yuv420p needs, by repeating its last row and column."""
    height, width, _ = frame.shape
    return np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def side_by_side(films: Sequence[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
    """Yield pictures that show several films of one size in a grid; a film that has ended keeps its last picture."""
    columns = int(np.ceil(np.sqrt(len(films))))
    last: list[np.ndarray] = []
    for pictures in itertools.zip_longest(*films):
        last = [old if new is None else new for new, old in itertools.zip_longest(pictures, last)]
        empty = np.full_like(last[0], 255)
        tiles = last + [empty] * (-len(last) % columns)
        rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
        yield np.concatenate(rows, axis=0)
