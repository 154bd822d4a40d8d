"""`mimicrl replay --dump`: the last configurations of a training episode in which the physics diverged, as a video."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError
from mimicrl.rendering import film
from mimicrl.rendering.film import Film, Take
from mimicrl.runs import Run

_SLOWNESS = 10


def replay_dump(run: Run, dump: Path, out: Path | None = None, settings: Film | None = None) -> Path:
    """Write a video of a dump, ten times slower than it was.

    Args:
        run: The run.
        dump: A file of its ``training/FINGERPRINT/diverged``.
        out: The video; by default ``RUN_DIR/videos/NAME_OF_THE_DUMP.mp4``.
        settings: What the video should be like.

    Raises:
        ArtifactError: The dump cannot be read, or is of another walker.
        MachineError: OpenGL, ffmpeg or space on the disk is missing.
    """
    settings = settings or Film()
    task = Task.of_run(run)
    qpos = _read(dump, task.walker.model.nq)
    steps, step_s = len(qpos), _SLOWNESS / task.config.control_hz
    if steps == 1:
        qpos = np.repeat(qpos, 2, axis=0)  # a film has two at least

    def caption(time_s: float) -> tuple[str, ...]:
        left = max(steps - 1 - int(time_s / step_s), 0)
        when = f"{left} step{'' if left == 1 else 's'} before the end"
        return f"{run.config.study} / {run.config.experiment}, seed {run.config.seed}", when

    path = out or run.video_file(f"{dump.stem}.{settings.kind}")
    take = Take(task.walker.model, step_s * np.arange(len(qpos), dtype=np.float64), qpos, caption=caption)
    film.write(path, [take], settings)
    return path


def _read(dump: Path, width: int) -> np.ndarray:
    """Return the configurations that can be drawn, at least one."""
    try:
        with dump.open("rb") as file:  # not np.load, which takes archives too
            rows = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python, and lets through whatever goes wrong there
        raise ArtifactError("a dump cannot be read", where=dump, got=error) from error
    if rows.ndim != 2 or rows.shape[1] != width or not np.issubdtype(rows.dtype, np.floating):
        raise ArtifactError("a dump of another walker", where=dump, got=rows.shape, expected=f"(steps, {width})")
    finite = rows[np.isfinite(rows).all(axis=1)]
    if not len(finite):
        raise ArtifactError("nothing in the dump can be drawn", where=dump, got="no finite configuration")
    return finite
