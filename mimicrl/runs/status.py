"""How far runs are, from the files they leave: takes no lock, disturbs no trainer, imports nothing heavy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from mimicrl.errors import ConfigError
from mimicrl.runs import Run, Study, find, state
from mimicrl.runs.records import EvaluationRow, ResolvedStudy
from mimicrl.runs.state import RunState

_LEFT = ("run", "state", "where", "note")
_NOTE_LETTERS = 60


@dataclass(frozen=True)
class RunStatus:
    """How far one run is: its state and the last evaluation in training."""

    run: Run
    state: RunState
    evaluation: EvaluationRow | None = None


def read(directory: Path) -> list[RunStatus]:
    """Return how far the runs of a folder are: of one run, of a study, or of a folder of studies and runs.

    Of a study these are the runs that it expects, in its order, and no others that an earlier version of it has left.

    Raises:
        ConfigError: There is no such folder.
    """
    if not directory.is_dir():
        raise ConfigError("there is no such directory", where=directory, fix="name the folder of results")
    directory = directory.resolve()  # its name is shown
    runs: dict[Run, int | None] = {}
    studies = {study: expected for study in find.studies(directory) if (expected := _expected(study))}
    for expected in studies.values():
        runs |= expected
    known = {study.path for study in studies}
    runs |= dict.fromkeys(run for run in find.runs(directory) if known.isdisjoint(run.path.parents))
    return [_status(run, total) for run, total in runs.items()]


def is_over(rows: Iterable[RunStatus]) -> bool:
    """Return whether every run has come to its end."""
    return all(row.state.word in ("completed", "diverged") for row in rows)


def _expected(study: Study) -> dict[Run, int | None]:
    """Return the runs of a study and their budgets; none where its file is damaged or of an older version."""
    found = ResolvedStudy.find(study.study_file)
    return (
        {study.run(run.experiment, run.seed): found.total_timesteps(run.experiment) for run in found.expected_runs}
        if found
        else {}
    )


def _status(run: Run, total: int | None) -> RunStatus:
    found = state.read(run, total)
    if found.record is None:
        return RunStatus(run, found)
    return RunStatus(run, found, EvaluationRow.find_last(run.training_of(found.record.fingerprint).evaluations_file))


def table(rows: Sequence[RunStatus], height: int | None = None) -> str:
    """Return a line of totals, a header and one line per run.

    Args:
        rows: The runs.
        height: Lines there are; where runs do not fit, those that neither run nor need anyone are left out first.
    """
    room = len(rows) if height is None or len(rows) + 2 <= height else max(height - 3, 1)
    places = sorted(range(len(rows)), key=lambda place: rows[place].state.word in ("waiting", "completed", "diverged"))
    shown, hidden = ([rows[place] for place in sorted(part)] for part in (places[:room], places[room:]))
    cells = [_cells(row) for row in shown]
    cells = [{name: name for name in cells[0]}, *cells] if cells else []
    widths = {name: max(len(row[name]) for row in cells) for name in cells[0]} if cells else {}
    lines = [
        "  ".join(f"{text:{'<' if name in _LEFT else '>'}{widths[name]}}" for name, text in row.items()).rstrip()
        for row in cells
    ]
    return "\n".join([_totals(rows), *lines, *([f"and {_totals(hidden)}"] if hidden else [])])


def _totals(rows: Sequence[RunStatus]) -> str:
    words = Counter(row.state.word for row in rows)
    parts = ", ".join(f"{number} {word}" for word, number in sorted(words.items()))
    return f"{len(rows)} run{'s' * (len(rows) != 1)}" + (f": {parts}" if parts else "")


def _cells(row: RunStatus) -> dict[str, str]:
    """Return what the table shows of a run."""
    found, path, evaluation = row.state, row.run.path, row.evaluation
    attempt, progress, outcome = found.attempt, found.progress, found.outcome
    running, total, note = found.word == "running", found.total_timesteps, " ".join(found.note.split())
    samples = next((count for count in _samples(found) if count is not None), 0)
    rate = progress.steps_per_s if running and progress else None
    if outcome and found.word == outcome.status:
        samples, rate = outcome.samples, outcome.samples / max(outcome.train_seconds, 1e-9)
    eta_s = progress.eta_s if running and progress else None
    job = f", job {attempt.slurm_job}" if attempt and attempt.slurm_job else ""
    return {
        "run": "/".join(path.parts[-3:] if path.name.startswith("seed_") else path.parts[-1:]),
        "state": found.word,
        "samples": f"{samples:,}",
        "of": f"{total:,}" if total else "-",
        "%": f"{min(100 * samples // total, 100)}" if total else "-",
        "steps/s": "-" if rate is None else f"{rate:,.0f}",
        "ETA": "-" if eta_s is None else str(timedelta(seconds=round(eta_s))),
        "stable": f"{evaluation.stable_episodes}/{evaluation.episodes}" if evaluation else "-",
        "reward": f"{evaluation.reward:.3f}" if evaluation else "-",
        "attempts": str(found.attempts),
        "where": f"{attempt.host}{job}" if attempt and attempt.host else "-",
        "note": note if len(note) <= _NOTE_LETTERS else f"{note[: _NOTE_LETTERS - 1]}…",
    }


def _samples(found: RunState) -> tuple[int | None, ...]:
    """Return what says how many samples were taken, the newest first."""
    attempt, progress, outcome = found.attempt, found.progress, found.outcome
    return (
        progress.samples if progress else None,
        attempt.end if attempt else None,
        attempt.begin if attempt else None,
        outcome.samples if outcome else None,
    )
