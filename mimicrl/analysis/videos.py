"""An experiment's video in the report: which run it shows, its first seconds as bytes, and whether it has room."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg

from mimicrl.analysis.study import RunResult
from mimicrl.errors import ArtifactError, MachineError

SECONDS = 10
"""The longest a video in the page can be."""

_ELEMENT_BYTES = 200  # of the HTML around a video


class Video(NamedTuple):
    """The video of an experiment.

    Attributes:
        run: The run it shows.
        data: MP4, at most `SECONDS` long.
        rivals: Number of runs that it is the median of.
        others: Further runs of the experiment that have one.
    """

    run: RunResult
    data: bytes
    rivals: int
    others: tuple[RunResult, ...]


def choose(members: Sequence[RunResult], rewards: Mapping[str, float]) -> Video | None:
    """Return the video of the completed seed of median reward, of two the lower; without any, of a diverged one.

    Args:
        members: The runs of an experiment.
        rewards: The imitation reward of each finished run, by the run's name.

    Raises:
        ArtifactError: A video cannot be read.
        MachineError: There is no ffmpeg.
    """
    filmed = [run for run in members if run.finished and run.video]
    chosen = [run for run in filmed if run.status == "completed"] or filmed
    if not chosen:
        return None
    ordered = sorted(chosen, key=lambda run: (rewards[run.name], run.seed))
    shown = ordered[(len(ordered) - 1) // 2]
    others = tuple(run for run in filmed if run is not shown)
    return Video(shown, cut(shown.video or Path(), SECONDS), len(ordered), others)


def cut(video: Path, seconds: float) -> bytes:
    """Return the beginning of a video as MP4, its pictures as they are; equal videos give equal bytes.

    Raises:
        ArtifactError: It is no video.
        MachineError: There is no ffmpeg.
    """
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise MachineError("there is no ffmpeg", got=error, fix="pip install imageio-ffmpeg") from error
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "video.mp4"
        command = [program, "-nostdin", "-v", "error", "-i", f"file:{video}", "-t", f"{seconds}", "-c", "copy"]
        command += ["-movflags", "+faststart", "-fflags", "+bitexact", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            problem = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ArtifactError(
                "a video cannot be read", where=video, got=problem, fix=f"mimicrl replay {video.parent.parent}"
            )
        return out.read_bytes()


def data_uri(data: bytes) -> str:
    """Return an MP4 file as an address that holds it."""
    return "data:video/mp4;base64," + base64.b64encode(data).decode()


def fitting(videos: Mapping[str, bytes], room: int) -> list[str]:
    """Return the names of the videos that fit into a page, the smallest first.

    Args:
        videos: MP4 files by name.
        room: What the page has left for them [bytes].
    """
    names = []
    for name in sorted(videos, key=lambda name: len(videos[name])):
        room -= len(data_uri(videos[name])) + _ELEMENT_BYTES
        if room >= 0:
            names.append(name)
    return names
