"""Show the last configurations of a training episode in which the physics diverged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError
from mimicrl.rendering.film import Animation

_SLOWNESS = 10


def dump_animation(task: Task, dump: Path, title: str) -> Animation:
    """Return a dump as an animation that is ten times slower than the simulation.

    Args:
        task: The task of the training.
        dump: A file of a run's ``training/FINGERPRINT/diverged``.
        title: The first line below the pictures.

    Raises:
        ArtifactError: The dump cannot be read, or is of another walker.
    """
    qpos = _read(dump, task.walker.model.nq)
    steps, step_s = len(qpos), _SLOWNESS / task.config.control_hz
    if steps == 1:
        qpos = np.repeat(qpos, 2, axis=0)  # a film needs at least two

    def caption(time_s: float) -> tuple[str, ...]:
        left = max(steps - 1 - int(time_s / step_s), 0)
        return title, f"{left} step{'' if left == 1 else 's'} before the end"

    return Animation(task.walker.model, step_s * np.arange(len(qpos), dtype=np.float64), qpos, caption=caption)


def _read(dump: Path, width: int) -> np.ndarray:
    """Return the finite configurations of a dump, at least one."""
    try:
        with dump.open("rb") as file:  # np.load would read archives, too
            rows = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # NumPy parses the header as Python, which can raise any error
        raise ArtifactError("a dump cannot be read", where=dump, got=error) from error
    if rows.ndim != 2 or rows.shape[1] != width or not np.issubdtype(rows.dtype, np.floating):
        raise ArtifactError("a dump of another walker", where=dump, got=rows.shape, expected=f"(steps, {width})")
    finite = rows[np.isfinite(rows).all(axis=1)]
    if not len(finite):
        raise ArtifactError("nothing in the dump can be drawn", where=dump, got="no finite configuration")
    return finite
