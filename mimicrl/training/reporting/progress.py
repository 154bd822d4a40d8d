"""How far a training is: for others in ``progress.json``, for the user on the terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from mimicrl import machine
from mimicrl.evaluation.metrics import Summary
from mimicrl.runs import Run
from mimicrl.runs.records import Progress
from mimicrl.runs.summary import REWARD
from mimicrl.training.reporting.terminal import Terminal

_SECONDS = 2.0
# What readers may expect between two reports, at least: the first evaluation may take as long.
_INTERVAL_SECONDS = 60.0
_PARTS = 4
"""A line is printed after each of so many parts of the budget."""


class Reporter:
    """Tells how far a training is, and the user what happens.

    Args:
        run: The run.
        start: Samples that earlier attempts took.
        token: Names the attempt; see `mimicrl.training.reporting.attempts.CurrentAttempt`.
    """

    def __init__(self, run: Run, start: int, token: str) -> None:
        self._run, self._start, self._token = run, start, token
        self._total = run.config.training.total_timesteps
        self._terminal = Terminal(run.config, start)
        self._begin = self._told_at = time.monotonic()
        self._told, self._longest = False, _INTERVAL_SECONDS
        self._parts = self._parts_of(start)

    def say(self, text: str) -> None:
        """Print a line for the user."""
        self._terminal.say(text)

    def detail(self, text: str) -> None:
        """Print a line that only the log needs."""
        self._terminal.detail(text)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._terminal.close()

    def tell(self, state: str, samples: int, last: Summary | None, lengths: Sequence[int]) -> None:
        """Write ``progress.json`` and move the bar, while running at most every two seconds; print a line per quarter.

        Args:
            state: ``running``, or how it ended.
            samples: Environment steps taken.
            last: The last evaluation of this attempt.
            lengths: Steps of the last training episodes.
        """
        now = time.monotonic()
        if state == "running" and self._parts < self._parts_of(samples) < _PARTS:
            self._parts = self._parts_of(samples)
            self.say(self._line(samples, last, self._rate(samples, now)))
        if self._told and state == "running" and now - self._told_at < _SECONDS:
            return
        self._longest = max(self._longest, now - self._told_at)
        self._told, self._told_at = True, now
        rate = self._rate(samples, now)
        Progress(
            state=state,
            samples=samples,
            total_timesteps=self._total,
            steps_per_s=round(rate, 1),
            eta_s=round(self._left_s(samples, rate), 1) if rate > 0 else None,
            interval_s=round(self._longest, 1),
            last_evaluation=last.as_dict() if last else None,
            host=machine.host(),
            process=os.getpid(),
            token=self._token,
            slurm_job=machine.slurm_job(),
            updated=machine.now(),
        ).write(self._run.progress_file)
        length = f"episodes {np.mean(lengths):.0f}" if lengths else ""
        stood = f"stable {last.stable_episodes}/{last.episodes}" if last else ""
        self._terminal.update(samples, ", ".join(part for part in (f"{rate:,.0f}/s", length, stood) if part))

    def _parts_of(self, samples: int) -> int:
        """Return how many parts of the budget are done."""
        return _PARTS * samples // self._total

    def _rate(self, samples: int, now: float) -> float:
        """Return the samples per second of this attempt."""
        return (samples - self._start) / max(now - self._begin, 1e-9)

    def _left_s(self, samples: int, rate: float) -> float:
        """Return the time that the rest of the budget takes [s]."""
        return max(0, self._total - samples) / rate

    def _line(self, samples: int, last: Summary | None, rate: float) -> str:
        """Return how far a training is, in a line."""
        parts = [f"{100 * self._parts // _PARTS} %: {samples:,} of {self._total:,} samples"]
        if last is not None:
            parts += [f"{last.stable_episodes} of {last.episodes} stable", f"reward {last.values[REWARD] or 0.0:.3f}"]
        if rate > 0:
            parts += [f"{rate:,.0f} steps/s", f"ETA {timedelta(seconds=round(self._left_s(samples, rate)))}"]
        return ", ".join(parts)
