"""Reading files that may be missing, half there or damaged: what cannot be read counts as not there."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from mimicrl import artifacts
from mimicrl.errors import ArtifactError

_TAIL_BYTES = 1 << 16


def mapping(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file, or nothing."""
    try:
        content = artifacts.read_json(path)
    except ArtifactError:
        return {}
    return content if isinstance(content, dict) else {}


def last_line(path: Path) -> dict[str, Any]:
    """Return the last whole line of a file of JSON lines, or nothing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
        row = json.loads(lines[-1])
    except (IndexError, OSError, RecursionError, ValueError):
        return {}
    return row if isinstance(row, dict) else {}


def line_count(path: Path) -> int:
    """Return the number of whole lines in a file."""
    try:
        return path.read_bytes().count(b"\n")
    except OSError:
        return 0


def number(content: Any, key: str) -> float | None:
    """Return a finite number of a JSON object."""
    value = content.get(key) if isinstance(content, dict) else None
    finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if finite else None


def count(content: Any, key: str) -> int | None:
    """Return a whole number of a JSON object."""
    value = number(content, key)
    return None if value is None else int(value)
