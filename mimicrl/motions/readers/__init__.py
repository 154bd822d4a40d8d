"""Readers of motion files, one format each; chosen by the file's ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mimicrl.errors import MotionError
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.readers import deepmimic, drloco
from mimicrl.motions.retarget import Recording, lay_out, retarget
from mimicrl.walkers.walker import Walker

Reader = Callable[[Path], Recording | MotionClip]

FORMATS: dict[str, tuple[str, Reader]] = {
    ".txt": ("DeepMimic humanoid motion", deepmimic.read),
    ".mat": ("DRLoco steps", drloco.read),
    ".npz": ("motion clip of this project", MotionClip.load),
}


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
            expected=", ".join(f"{ending} ({what})" for ending, (what, _) in FORMATS.items()),
        )
    motion = FORMATS[path.suffix][1](path)
    return lay_out(motion, walker) if isinstance(motion, MotionClip) else retarget(motion, walker)
