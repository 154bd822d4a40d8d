"""Where training reports to: append-only JSON lines, TensorBoard, and the user's terminal."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from stable_baselines3.common.logger import KVWriter, TensorBoardOutputFormat

from mimicrl import artifacts
from mimicrl.config import RunConfig
from mimicrl.console import DETAIL
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


def row_of(key_values: dict[str, Any], step: int) -> dict[str, float]:
    """Return the numbers of what Stable-Baselines3 logs, with the samples they were logged at."""
    numbers = {
        key: float(value)
        for key, value in key_values.items()
        if isinstance(value, int | float) or (hasattr(value, "dtype") and value.ndim == 0)
    }
    return {"samples": step, **numbers}


class MetricsWriter(KVWriter):
    """Writes what Stable-Baselines3 logs as JSON lines."""

    def __init__(self, lines: JsonLines) -> None:
        self._lines = lines

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write one row."""
        self._lines.append(row_of(key_values, step))

    def close(self) -> None:
        """Leave the file to its owner."""


class TensorBoardWriter(TensorBoardOutputFormat):
    """Writes TensorBoard files that go on, after a resume, where the checkpoint was.

    Args:
        folder: Folder of the files.
        lengths: Length of each file [byte] to cut back to, by name; files that are not named are removed.
    """

    def __init__(self, folder: Path, lengths: dict[str, int]) -> None:
        self._folder = folder
        with artifacts.machine_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for file in self._files():
                if file.name in lengths:
                    os.truncate(file, min(lengths[file.name], file.stat().st_size))
                else:
                    file.unlink()
            super().__init__(str(folder))

    def lengths(self) -> dict[str, int]:
        """Return the length of each file [byte], after writing all that is on its way."""
        with artifacts.machine_errors(self._folder):
            self.writer.flush()
            return {file.name: file.stat().st_size for file in self._files()}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Write one row.

        Raises:
            MachineError: The disk is full.
        """
        with artifacts.machine_errors(self._folder):
            super().write(key_values, key_excluded, step)

    def close(self) -> None:
        """Close the file.

        Raises:
            MachineError: The disk is full.
        """
        with artifacts.machine_errors(self._folder):
            super().close()

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("events.*"))


class _Console(Console):
    """A console whose reader may go away: training goes on without it."""

    def on_broken_pipe(self) -> None:
        """Fall silent instead of ending the process."""
        self.quiet = True


class Terminal:
    """Tells the user what runs and how far it is: lines, and a live bar below them on a terminal.

    Args:
        config: The run.
        start: Samples at the start.
    """

    def __init__(self, config: RunConfig, start: int) -> None:
        self.console = _Console(stderr=True, highlight=False, soft_wrap=True)
        self._total = config.training.total_timesteps
        self._bar: Progress | None = None
        if self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=16),
                TaskProgressColumn(),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[detail]}"),
                console=self.console,
            )
            name = f"{config.experiment} seed {config.seed}"
            self._task = self._bar.add_task(name, total=self._total, completed=start, detail="")
            self._bar.start()

    def update(self, samples: int, detail: str) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=min(samples, self._total), detail=detail)

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self.console.print(text, markup=False)

    def detail(self, text: str) -> None:
        """Print a line that only a log needs; on a terminal it is a line like any other."""
        self.say(text if self._bar is not None else DETAIL + text)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
