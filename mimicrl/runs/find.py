"""Which studies and runs there are in a folder."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from mimicrl.runs.layout import Run, Study

Place = TypeVar("Place", Run, Study)


def studies(directory: Path) -> list[Study]:
    """Return the study that a folder is, or the studies in it."""
    own = Study(directory)
    return [own] if own.study_file.exists() else _folders(Study, directory.glob("*/study.yaml"))


def runs(directory: Path) -> list[Run]:
    """Return the run that a folder is, or the runs in it and in its studies."""
    own = Run(directory)
    if own.run_file.exists() or own.progress_file.exists():
        return [own]
    return _folders(Run, (file for depth in range(1, 4) for file in directory.glob(f"{'*/' * depth}run.json")))


def _folders(kind: Callable[[Path], Place], files: Iterable[Path]) -> list[Place]:
    """Return the folders of files, ordered so that seed 10 comes after seed 9."""

    def order(folder: Path) -> list[str | int]:
        return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", str(folder))]

    return [kind(folder) for folder in sorted((file.parent for file in files), key=order)]
