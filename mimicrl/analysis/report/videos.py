"""Chooses one video per experiment for the page, cuts its first seconds, and selects the videos that fit the page."""

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
"""Maximum length of a video on the page [s]."""

_ELEMENT_BYTES = 200
"""Upper estimate of the size of the HTML around a video [byte]."""


class Choice(NamedTuple):
    """The video of an experiment.

    Attributes:
        run: The run that the video shows.
        video: The file of the video.
        candidates: Number of runs from which the median was chosen.
        others: The experiment's other runs with a video.
    """

    run: RunResult
    video: Path
    candidates: int
    others: tuple[RunResult, ...]


def choose(members: Sequence[RunResult]) -> Choice | None:
    """Choose a run among the completed runs of an experiment that have a video.

    It is the run of median imitation reward. If the number of runs is even, it is the lower of the two in the middle.
    If no completed run has a video, choose among the diverged runs. Return None if no run has a video.
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
    """Return the first seconds of a video as MP4. The video is not encoded again. Equal videos give equal bytes.

    Raises:
        ArtifactError: The file is not a video.
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
    """Return the videos that fit together into `room` bytes, as data URIs. Small videos are taken first."""
    shown: dict[str, str] = {}
    for name in sorted(addresses, key=lambda name: len(addresses[name])):
        room -= len(addresses[name]) + _ELEMENT_BYTES
        if room >= 0:
            shown[name] = addresses[name]
    return shown
