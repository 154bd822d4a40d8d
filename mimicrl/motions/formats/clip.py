"""Motion clips of this project, as `MotionClip.save` writes them."""

from __future__ import annotations

from pathlib import Path

from mimicrl.motions.clip import MotionClip

WHAT = "motion clip of this project"
ENDINGS = (".npz",)
LOOKS_FOR = "an npz archive with an array root_quat_w"

read = MotionClip.load


def sniff(path: Path) -> bool:
    """Return whether a file is an archive with the array; one that was cut off still shows its name."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04" and b"root_quat_w.npy" in file.read()
