"""Append-only files with one JSON object per line.

A training that continues truncates them to the length that its checkpoint recorded.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from mimicrl import artifacts
from mimicrl.errors import ArtifactError

_RESTORE = "restore the file, or start from zero with --resume never"


class JsonLines:
    """An append-only file with one JSON object per line.

    Args:
        path: The file.
        offset: First truncate the file to this many bytes. A checkpoint recorded this length.

    Raises:
        ArtifactError: The file is shorter than `offset`. It was not changed.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        found = path.stat().st_size if path.exists() else 0
        if found < offset:
            raise ArtifactError(
                "a part of the training's history is missing",
                where=path,
                got=f"{found} bytes",
                expected=f"{offset} or more",
                fix=_RESTORE,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        # No buffer: with one, Python would try again to write failed data when it closes the file.
        self._file = path.open("ab", buffering=0)
        self._file.truncate(offset)

    @classmethod
    def appending(cls, path: Path) -> JsonLines:
        """Open a file for appending. An incomplete last line is removed."""
        return cls(path, path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0)

    def append(self, row: dict[str, Any]) -> None:
        """Write a row. Numbers that are not finite become null.

        Raises:
            MachineError: The disk is full. No part of the row remains in the file.
        """
        finite = {key: value if _is_finite(value) else None for key, value in row.items()}
        rest, begin = (json.dumps(finite, allow_nan=False) + "\n").encode(), self.offset
        with artifacts.machine_errors(self.path):
            try:
                while rest:
                    rest = rest[self._file.write(rest) :]
            except OSError:
                self._file.truncate(begin)
                raise

    @property
    def offset(self) -> int:
        """Bytes written so far."""
        return os.fstat(self._file.fileno()).st_size

    def sync(self) -> None:
        """Make sure that the written rows survive a loss of power."""
        with artifacts.machine_errors(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines. If the file does not exist, return an empty list.

    Raises:
        ArtifactError: A line is not a JSON object.
    """
    lines = path.read_bytes().splitlines() if path.exists() else []
    return [_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]


def _parse(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("the training's history is damaged", where=where, got=error, fix=_RESTORE) from error
    if not isinstance(row, dict):
        raise ArtifactError("the training's history is damaged", where=where, got=type(row).__name__, fix=_RESTORE)
    return row


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
