"""The attempts that a training took: ``attempts.jsonl``, a line each, also for one that was killed without a word."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from mimicrl import artifacts, machine
from mimicrl.errors import ArtifactError
from mimicrl.training.logs import JsonLines


class Attempt:
    """One attempt at a training, from now on; the caller holds the trainer's lock.

    It is noted in ``attempt.json`` while it lasts. What an earlier attempt left there ended without a word, and gets
    its line now.

    Args:
        directory: The training state.
        progress_file: How far a killed attempt had come, as it told last.
        samples: Samples that training goes on from.
        token: What ``progress.json`` knows it by; the numbers of processes come again.
    """

    def __init__(self, directory: Path, progress_file: Path, samples: int, token: str) -> None:
        self._lines, self._open = directory / "attempts.jsonl", directory / "attempt.json"
        self._begin = time.monotonic()
        if self._open.exists():
            self._append(_killed(self._open, progress_file, samples))
        self._record = {
            "attempt": self._count() + 1,
            "from": samples,
            "host": machine.host(),
            "process": os.getpid(),
            "token": token,
            "slurm_job": os.environ.get("SLURM_JOB_ID"),
            "started": machine.now(),
        }
        artifacts.write_json(self._open, self._record)

    def end(self, samples: int, why: str) -> None:
        """Write its line.

        Args:
            samples: Samples it got to.
            why: Why it ended.
        """
        seconds = round(time.monotonic() - self._begin, 3)
        self._append({**self._record, "to": samples, "seconds": seconds, "ended": machine.now(), "why": why})
        self._open.unlink(missing_ok=True)

    def _append(self, row: dict[str, Any]) -> None:
        lines = JsonLines.appending(self._lines)
        # It may have been killed after its line was written, before its note was removed.
        if not isinstance(row["attempt"], int) or row["attempt"] > self._count():
            lines.append(row | {"attempt": self._count() + 1})
            lines.sync()
        lines.close()

    def _count(self) -> int:
        return self._lines.read_bytes().count(b"\n") if self._lines.exists() else 0


def _killed(record_file: Path, progress_file: Path, samples: int) -> dict[str, Any]:
    """Return the line of an attempt that was killed: `samples` is what is left of it."""
    try:
        record = artifacts.read_json(record_file)
    except ArtifactError:
        record = {}
    blank = {"attempt": None, "from": None}
    row = {**blank, **(record if isinstance(record, dict) else {}), "to": samples, "seconds": None, "ended": None}
    try:
        progress = artifacts.read_json(progress_file)
        if progress["token"] == record["token"]:
            lasted = datetime.fromisoformat(progress["updated"]) - datetime.fromisoformat(record["started"])
            row |= {"seconds": lasted.total_seconds(), "ended": progress["updated"]}
    except (ArtifactError, KeyError, TypeError, ValueError):
        pass  # it did not get far enough to tell
    return row | {"why": "killed"}
