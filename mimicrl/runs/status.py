"""How far runs are, from the files they leave: takes no lock, disturbs no trainer, imports nothing heavy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from mimicrl.errors import ConfigError
from mimicrl.runs import Run, find, state
from mimicrl.runs.records import ResolvedStudy
from mimicrl.runs.state import RunState

_LEFT = ("run", "state", "where", "note")
_NOTE_LETTERS = 60


def read(directory: Path) -> list[RunState]:
    """Return the states of the runs of a folder: of one run, of a study, or of a folder of studies and runs.

    Of a study these are the runs that it expects, in its order; runs that an earlier version of it left are not shown.
    If the study's file is damaged or of an older version, they are the runs that are there.

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
            totals |= {
                study.run(run.experiment, run.seed): content.total_timesteps(run.experiment)
                for run in content.expected_runs
            }
    totals |= dict.fromkeys(run for run in find.runs(directory) if known.isdisjoint(run.path.parents))
    return [state.read(run, total) for run, total in totals.items()]


def table(rows: Sequence[RunState]) -> str:
    """Return a line of totals, a header and one line per run."""
    words = Counter(row.word for row in rows)
    parts = ", ".join(f"{number} {word}" for word, number in sorted(words.items()))
    totals = f"{len(rows)} run{'s' * (len(rows) != 1)}" + (f": {parts}" if parts else "")
    if not rows:
        return totals
    cells = [_cells(row) for row in rows]
    cells = [{name: name for name in cells[0]}, *cells]
    widths = {name: max(len(row[name]) for row in cells) for name in cells[0]}
    lines = [
        "  ".join(f"{text:{'<' if name in _LEFT else '>'}{widths[name]}}" for name, text in row.items()).rstrip()
        for row in cells
    ]
    return "\n".join([totals, *lines])


def _cells(row: RunState) -> dict[str, str]:
    """Return what the table shows of a run."""
    attempt, outcome, evaluation, path = row.attempt, row.outcome, row.evaluation, row.run.path
    progress = row.progress if row.word == "running" else None
    samples, total, note = row.samples, row.total_timesteps, " ".join(row.note.split())
    rate = progress.steps_per_s if progress else None
    if outcome and row.is_over:
        samples, rate = outcome.samples, outcome.samples / max(outcome.train_seconds, 1e-9)
    job = f", job {attempt.slurm_job}" if attempt and attempt.slurm_job else ""
    return {
        "run": "/".join(path.parts[-3:] if path.name.startswith("seed_") else path.parts[-1:]),
        "state": row.word,
        "samples": f"{samples:,}",
        "of": f"{total:,}" if total else "-",
        "%": f"{min(100 * samples // total, 100)}" if total else "-",
        "steps/s": "-" if rate is None else f"{rate:,.0f}",
        "ETA": str(timedelta(seconds=round(progress.eta_s))) if progress and progress.eta_s is not None else "-",
        "stable": f"{evaluation.stable_episodes}/{evaluation.episodes}" if evaluation else "-",
        "reward": f"{evaluation.reward:.3f}" if evaluation else "-",
        "attempts": str(row.attempts),
        "where": f"{attempt.host}{job}" if attempt and attempt.host else "-",
        "note": note if len(note) <= _NOTE_LETTERS else f"{note[: _NOTE_LETTERS - 1]}…",
    }
