"""The state of runs, from the files they leave: this takes no lock, disturbs no trainer and imports nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import find
from mimicrl.runs.layout import Run, TrainingState
from mimicrl.runs.records import Attempt, EvaluationRow, Outcome, Progress, ResolvedStudy, RunRecord

Word = Literal["waiting", "running", "silent", "stopped", "failed", "completed", "diverged", "older"]

PATIENCE = 3
"""A training that has not reported for this many of its intervals is silent."""
FIRST_S = 60.0
"""The interval before the first report [s]: the first rollout may take as long."""


class Missing(StrEnum):
    """The reason why a run is not trained to its end."""

    NO_DIRECTORY = "no run directory"
    NOT_TRAINED = "not trained to its end"
    CHANGED = "configuration changed since training"


@dataclass(frozen=True)
class RunState:
    """The state of a run's training, according to its files.

    Attributes:
        run: The run.
        word: ``waiting``: for a trainer; ``running``; ``silent``: the training should be running but does not report;
            ``stopped``: by a signal; ``failed``; ``completed``; ``diverged``; ``older``: made by an older version.
        note: Why it failed or diverged, or for how long it has been silent.
        total_timesteps: The budget [samples]; None if it is not known.
        outcome: How the training of this configuration ended.
        attempt: The last attempt at this training.
        attempts: The number of attempts.
        progress: The last report of the last attempt.
        evaluation: The last evaluation in training.
    """

    run: Run
    word: Word
    note: str = ""
    total_timesteps: int | None = None
    outcome: Outcome | None = None
    attempt: Attempt | None = None
    attempts: int = 0
    progress: Progress | None = None
    evaluation: EvaluationRow | None = None

    @property
    def is_over(self) -> bool:
        """Whether the training has come to its end."""
        return self.word in ("completed", "diverged")

    @property
    def samples(self) -> int:
        """Samples taken, from the newest file that has the number."""
        progress, attempt, outcome = self.progress, self.attempt, self.outcome
        if outcome and self.is_over:
            return outcome.samples
        if progress:
            return progress.samples
        if attempt and (taken := attempt.begin if attempt.end is None else attempt.end) is not None:
            return taken
        return outcome.samples if outcome else 0


def missing(record: RunRecord | None, outcome: Outcome | None, total_timesteps: int) -> Missing | None:
    """Return why a run is not trained to its end, or None if it is; a run that diverged is at its end, too.

    Args:
        record: The run's record, or None if it is not initialised.
        outcome: How its last training ended, or None if no training ended.
        total_timesteps: The budget [samples], which may be longer than before without another fingerprint.
    """
    if record is None:
        return Missing.NO_DIRECTORY
    if outcome is None:
        return Missing.NOT_TRAINED
    if outcome.fingerprint != record.fingerprint:
        return Missing.CHANGED
    return Missing.NOT_TRAINED if outcome.total_timesteps < total_timesteps else None


def read(run: Run, total_timesteps: int | None = None, now: datetime | None = None) -> RunState:
    """Return the state of a run; files that are missing or damaged count as not there, and no lock is looked at.

    Args:
        run: The run, which need not be there yet.
        total_timesteps: The budget that a study gives [samples]; by default the run's own.
        now: The time.
    """
    try:
        record = RunRecord.read(run.run_file)
    except ArtifactError:
        return RunState(run, "waiting", total_timesteps=total_timesteps)
    except ConfigError as error:
        return RunState(run, "older", error.what, total_timesteps)
    total, training = total_timesteps or record.total_timesteps, run.training_of(record.fingerprint)
    attempt, attempts = _last_attempt(training)
    outcome, progress = Outcome.find(run.outcome_file), Progress.find(run.progress_file)
    if outcome and outcome.fingerprint != record.fingerprint:
        outcome = None
    if progress and (attempt is None or progress.token != attempt.token):
        progress = None
    word, note = _word(record, outcome, attempt, progress, total, now or datetime.now(UTC))
    evaluation = EvaluationRow.find_last(training.evaluations_file)
    return RunState(run, word, note, total, outcome, attempt, attempts, progress, evaluation)


def read_all(directory: Path) -> list[RunState]:
    """Return the states of the runs in a folder, which may be a run, a study, or a folder of studies and runs.

    A study has the runs that it expects, in its order; runs that an earlier version of it left are not shown.
    If the study's file is damaged or of an older version, the study has the runs that are there.

    Raises:
        ConfigError: There is no such folder.
    """
    if not directory.is_dir():
        raise ConfigError("there is no such directory", where=directory, fix="name the folder of results")
    directory = directory.resolve()  # its name is shown
    totals: dict[Run, int | None] = {}
    known: set[Path] = set()
    for study in find.studies(directory):
        if content := ResolvedStudy.find(study.study_file):
            known.add(study.path)
            for run in content.expected_runs:
                totals[study.run(run.experiment, run.seed)] = content.total_timesteps(run.experiment)
    totals |= dict.fromkeys(run for run in find.runs(directory) if known.isdisjoint(run.path.parents))
    return [read(run, total) for run, total in totals.items()]


def _last_attempt(training: TrainingState) -> tuple[Attempt | None, int]:
    """Return the last attempt, which has no `why` while it is under way, and the number of attempts."""
    ended = Attempt.find_last(training.attempts_file)
    number = (ended.attempt or 0) if ended else 0
    begun = Attempt.find(training.attempt_file)
    # One that was killed between writing its line and removing its note is not under way.
    return (begun, number + 1) if begun and (begun.attempt or number + 1) > number else (ended, number)


def _word(
    record: RunRecord,
    outcome: Outcome | None,
    attempt: Attempt | None,
    progress: Progress | None,
    total: int,
    now: datetime,
) -> tuple[Word, str]:
    """Return a run's state in a word, and a note on it."""
    silence_s = _silence_s(attempt, progress, now) if attempt and attempt.why is None else 0.0
    if silence_s is None:
        return "running", ""
    if outcome and missing(record, outcome, total) is None:
        return outcome.status, outcome.problem or ""
    if attempt is None or attempt.why in ("completed", "diverged"):  # the latter for a longer budget
        return "waiting", ""
    if attempt.why is None:
        return "silent", f"no report for {silence_s / 60:.0f} min"
    return ("stopped", "") if attempt.why.startswith("stopped") else ("failed", attempt.why)


def _silence_s(attempt: Attempt, progress: Progress | None, now: datetime) -> float | None:
    """Return for how long an attempt under way has not reported [s], or None if that is no longer than usual."""
    last, interval_s = (progress.updated, progress.interval_s) if progress else (attempt.started, FIRST_S)
    try:
        age_s = (now - datetime.fromisoformat(str(last))).total_seconds()
    except (TypeError, ValueError):  # no time, or one without a zone
        return math.inf
    return age_s if age_s > PATIENCE * interval_s else None
