"""The walkers that come with the package: one MJCF file each in ``assets/``."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from mimicrl.errors import WalkerError
from mimicrl.walkers.walker import Actuation, Walker

_ASSETS = resources.files("mimicrl.walkers") / "assets"


def names() -> list[str]:
    """Return the names of the bundled walkers."""
    return sorted(entry.name.removesuffix(".xml") for entry in _ASSETS.iterdir() if entry.name.endswith(".xml"))


def source(name: str) -> str:
    """Return the MJCF text of a bundled walker.

    Raises:
        WalkerError: There is none of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        raise WalkerError(
            "no such walker",
            where=name,
            expected=f"one of {', '.join(names())}",
            fix=f"did you mean {near[0]}?" if near else "give an MJCF file as walker.file",
        )
    return (_ASSETS / f"{name}.xml").read_text(encoding="utf-8")


def read(path: Path) -> str:
    """Return the MJCF text of a walker of one's own.

    Raises:
        WalkerError: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WalkerError("cannot read the walker's MJCF", where=path, got=error) from error


def load(name: str, actuation: Actuation = "position", physics_hz: int | None = None) -> Walker:
    """Compile a bundled walker.

    Args:
        name: One of `names`.
        actuation: How actions act on the joints.
        physics_hz: Physics steps a second; by default the walker's own.
    """
    return Walker.from_xml(source(name), name=name, actuation=actuation, physics_hz=physics_hz)
