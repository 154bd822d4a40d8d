"""The attempts that a training took: ``attempts.jsonl``, a line each, also for one that was killed without a word."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

from mimicrl import artifacts, machine
from mimicrl.runs.layout import TrainingState
from mimicrl.runs.records import Attempt, Progress
from mimicrl.training.reporting.json_lines import JsonLines


class CurrentAttempt:
    """The attempt at a training that begins now; the caller holds the trainer's lock.

    It is noted in ``attempt.json`` while it lasts. What an earlier attempt left there ended without a word, and gets
    its line now.

    Args:
        training: The training state.
        progress_file: How far a killed attempt had come, as it told last.
        samples: Samples that training goes on from.
        token: What ``progress.json`` knows it by; the numbers of processes come again.
    """

    def __init__(self, training: TrainingState, progress_file: Path, samples: int, token: str) -> None:
        self._lines, self._note = training.attempts_file, training.attempt_file
        self._begin = time.monotonic()
        if self._note.exists():
            self._append(_killed(self._note, progress_file, samples))
        self._attempt = Attempt(
            attempt=self._count() + 1,
            begin=samples,
            host=machine.host(),
            process=os.getpid(),
            token=token,
            slurm_job=machine.slurm_job(),
            started=machine.now(),
        )
        artifacts.write_json(self._note, self._attempt.model_dump(mode="json", exclude_unset=True))

    def end(self, samples: int, why: str) -> None:
        """Write its line.

        Args:
            samples: Samples it got to.
            why: Why it ended.
        """
        seconds = round(time.monotonic() - self._begin, 3)
        ended = {"end": samples, "seconds": seconds, "ended": machine.now(), "why": why}
        self._append(self._attempt.model_copy(update=ended))
        self._note.unlink(missing_ok=True)

    def _append(self, attempt: Attempt) -> None:
        lines, number = JsonLines.appending(self._lines), self._count() + 1
        # It may have been killed after its line was written, before its note was removed.
        if attempt.attempt is None or attempt.attempt >= number:
            lines.append(attempt.model_copy(update={"attempt": number}).as_json())
            lines.sync()
        lines.close()

    def _count(self) -> int:
        return self._lines.read_bytes().count(b"\n") if self._lines.exists() else 0


def _killed(note: Path, progress_file: Path, samples: int) -> Attempt:
    """Return the line of an attempt that was killed: `samples` is what is left of it."""
    attempt, progress = Attempt.find(note) or Attempt(attempt=None), Progress.find(progress_file)
    told = {"end": samples, "why": "killed"}
    if progress is not None and progress.token == attempt.token:
        try:
            lasted = datetime.fromisoformat(progress.updated) - datetime.fromisoformat(str(attempt.started))
            told |= {"seconds": lasted.total_seconds(), "ended": progress.updated}
        except (TypeError, ValueError):
            pass  # no times that can be compared
    return attempt.model_copy(update=told)
