"""Where walkers are found: a folder each in ``robots/``, and folders or MJCF files of one's own.

A walker's folder holds ``walker.xml`` (MJCF) and ``walker.yaml`` (see `mimicrl.walkers.metadata`). This module imports
no MuJoCo: the configuration, the workflow and the registration of environments use it.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import NamedTuple

from mimicrl.errors import WalkerError

MJCF, METADATA = "walker.xml", "walker.yaml"
"""The files of a walker's folder."""
DEFAULT = "walker3d"
"""The walker that is used where none is named."""
ROBOTS = Path(__file__).parent / "robots"
"""The folder of the bundled walkers."""


class WalkerFiles(NamedTuple):
    """The content of a walker's files.

    Attributes:
        name: Name of the walker.
        xml: The text of its MJCF.
        metadata: The text of its ``walker.yaml``; None for a bare MJCF file.
    """

    name: str
    xml: str
    metadata: str | None


def names() -> list[str]:
    """Return the names of the bundled walkers."""
    return sorted(folder.name for folder in ROBOTS.iterdir() if (folder / MJCF).is_file())


def bundled(name: str) -> WalkerFiles:
    """Return the files of a bundled walker.

    Raises:
        WalkerError: There is none of that name.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 1)
        raise WalkerError(
            "no such walker",
            where=name,
            expected=f"one of {', '.join(names())}",
            fix=f"did you mean {near[0]}?" if near else "give a walker's folder or an MJCF file as walker.file",
        )
    return read(ROBOTS / name)


def find(walker: str) -> WalkerFiles:
    """Return the files of a walker that a user names: a bundled one, a folder, or an MJCF file.

    Raises:
        WalkerError: There is no such walker.
    """
    return read(Path(walker)) if walker not in names() and Path(walker).exists() else bundled(walker)


def read(path: Path, name: str = "") -> WalkerFiles:
    """Return the files of a walker of one's own.

    Args:
        path: A walker's folder, or one MJCF file.
        name: Name of the walker; by default that of the folder or the file.

    Raises:
        WalkerError: A file cannot be read.
    """
    texts = []
    for file in files_of(path):
        try:
            texts.append(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise WalkerError("cannot read a walker's file", where=file, got=error) from error
    return WalkerFiles(name or path.resolve().stem, texts[0], texts[1] if len(texts) > 1 else None)


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of the walker at `path`, a folder or one MJCF file."""
    return (path,) if path.suffix and not path.is_dir() else (path / MJCF, path / METADATA)
