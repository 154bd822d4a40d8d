"""Append-only files of one JSON object a line, which a resumed training cuts back to what its checkpoint knows."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from mimicrl import artifacts
from mimicrl.errors import ArtifactError

_RESTORE = "put the file back, or start from nothing with --resume never"


class JsonLines:
    """An append-only file of one JSON object a line.

    Args:
        path: The file.
        offset: Cut the file back to this many bytes first, the end of what a checkpoint knows.

    Raises:
        ArtifactError: The file is shorter than that; nothing was changed.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        found = path.stat().st_size if path.exists() else 0
        if found < offset:
            raise ArtifactError(
                "a part of the training's history is gone",
                where=path,
                got=f"{found} bytes",
                expected=f"{offset} or more",
                fix=_RESTORE,
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        # Without a buffer: what cannot be written must not be tried again when the file is closed.
        self._file = path.open("ab", buffering=0)
        self._file.truncate(offset)

    @classmethod
    def appending(cls, path: Path) -> JsonLines:
        """Open a file to add to all whole lines it holds."""
        return cls(path, path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0)

    def append(self, row: dict[str, Any]) -> None:
        """Write a row; numbers that are not finite become null.

        Raises:
            MachineError: The disk is full; no part of the row stays.
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
        """Make sure that what was written survives a loss of power."""
        with artifacts.machine_errors(self.path):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines; one that is not there has none.

    Raises:
        ArtifactError: A line is no JSON object.
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
