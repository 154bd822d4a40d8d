"""Readers of motion files, one format each; chosen by the file's ending."""

from __future__ import annotations

from pathlib import Path

from mimicrl.errors import MotionError
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.readers import deepmimic
from mimicrl.motions.retarget import lay_out, retarget
from mimicrl.walkers.walker import Walker

FORMATS = {".txt": "DeepMimic humanoid motion", ".npz": "motion clip of this project"}


def read(path: Path, walker: Walker) -> MotionClip:
    """Read a motion file and fit it to `walker`.

    Raises:
        MotionError: The file is missing, of an unknown format, malformed, or of another body.
    """
    if not path.exists():
        near = sorted(entry.name for entry in path.parent.glob(f"*{path.suffix}"))[:8] if path.parent.is_dir() else []
        raise MotionError(
            "no such motion file", where=path, fix=f"beside it: {', '.join(near)}" if near else "check the path"
        )
    if path.suffix not in FORMATS or not path.is_file():
        raise MotionError(
            "not a motion file of a known format",
            where=path,
            expected=", ".join(f"{ending} ({what})" for ending, what in FORMATS.items()),
        )
    if path.suffix == ".npz":
        return lay_out(MotionClip.load(path), walker)
    return retarget(deepmimic.read(path), walker)
