"""The videos on the page: which run's video stands for an experiment, its first seconds, and which ones fit."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import imageio_ffmpeg

from mimicrl.analysis.load import RunResult
from mimicrl.errors import ArtifactError, MachineError
from mimicrl.runs.summary import REWARD

SECONDS = 10
"""The greatest length of a video on the page."""

_ELEMENT_BYTES = 200
"""At least what the HTML around a video takes."""


class Choice(NamedTuple):
    """The video of an experiment.

    Attributes:
        run: The run that it shows.
        video: Its file.
        candidates: Number of runs that it is the median of.
        others: The experiment's other runs with a video.
    """

    run: RunResult
    video: Path
    candidates: int
    others: tuple[RunResult, ...]


def choose(members: Sequence[RunResult]) -> Choice | None:
    """Choose the run of median imitation reward, of two the lower, among an experiment's completed runs with a video.

    Only if there is none, diverged runs are candidates. Return None if no run has a video.
    """
    filmed = [(run, run.video) for run in members if run.finished and run.video]
    candidates = [(run, video) for run, video in filmed if run.status == "completed"] or filmed
    if not candidates:
        return None
    run, video = sorted(candidates, key=lambda each: (_reward(each[0]), each[0].seed))[(len(candidates) - 1) // 2]
    return Choice(run, video, len(candidates), tuple(other for other, _ in filmed if other is not run))


def _reward(run: RunResult) -> float:
    return (run.summary.values[REWARD] if run.summary else None) or 0.0


def beginning(video: Path, seconds: float) -> bytes:
    """Return the first seconds of a video as MP4, not encoded again; equal videos give equal bytes.

    Raises:
        ArtifactError: The file is no video.
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


def that_fit(addresses: Mapping[str, str], room: int) -> dict[str, str]:
    """Return those of the videos, as data URIs, that fit into `room` bytes; the smallest are taken first."""
    shown: dict[str, str] = {}
    for name in sorted(addresses, key=lambda name: len(addresses[name])):
        room -= len(addresses[name]) + _ELEMENT_BYTES
        if room >= 0:
            shown[name] = addresses[name]
    return shown
