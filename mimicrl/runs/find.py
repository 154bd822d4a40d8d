"""Which studies and runs there are in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mimicrl.runs.layout import Run, Study


def studies(directory: Path) -> list[Study]:
    """Return the study that a folder is, or the studies in it."""
    own = Study(directory)
    return (
        [own] if own.study_file.exists() else sorted(map(Study, _parents(directory.glob("*/study.yaml"))), key=_order)
    )


def runs(directory: Path) -> list[Run]:
    """Return the run that a folder is, or the runs in it and in its studies."""
    own = Run(directory)
    if own.run_file.exists() or own.progress_file.exists():
        return [own]
    found = (file for depth in range(1, 4) for file in directory.glob(f"{'*/' * depth}run.json"))
    return sorted(map(Run, _parents(found)), key=_order)


def _parents(files: Iterator[Path]) -> list[Path]:
    return [file.parent for file in files]


def _order(place: Study | Run) -> list[str | int]:
    """Return what to sort by, so that seed 10 comes after seed 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", str(place.path))]
