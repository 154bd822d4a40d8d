"""`mimicrl status`: shows the progress of runs."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.runs.state import RunState

_WATCH_S = 2.0
_LEFT = ("run", "state", "where", "note")
_NOTE_LETTERS = 60


@stage("A study")
def status(
    _: Work,
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="A folder: all results, a study or a run.", show_default=True)
    ] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until all runs have finished.")] = False,
) -> None:
    """Show the progress of runs.

    The command only reads files. You can call it while runs train, on this host or on others.
    """
    from rich.live import Live
    from rich.text import Text

    from mimicrl.runs import state

    if watch:
        # The live table disappears from the terminal at the end. Ctrl-C ends it earlier.
        with contextlib.suppress(KeyboardInterrupt), Live(auto_refresh=False, transient=True) as live:
            while any(not row.is_over for row in state.read_all(directory)):
                # A terminal may be too short for all runs. Runs that train or need the user come first.
                rows = sorted(state.read_all(directory), key=lambda row: row.is_over or row.word == "waiting")
                live.update(Text(table(rows), no_wrap=True, overflow="ellipsis"), refresh=True)
                time.sleep(_WATCH_S)
    typer.echo(table(state.read_all(directory)))


def table(rows: Sequence[RunState]) -> str:
    """Return a line of totals, a header and one line per run."""
    words = Counter(row.word for row in rows)
    parts = ", ".join(f"{number} {word}" for word, number in sorted(words.items()))
    lines = [f"{len(rows)} run{'s' * (len(rows) != 1)}" + (f": {parts}" if parts else "")]
    if rows:
        cells = [_cells(row) for row in rows]
        cells = [{name: name for name in cells[0]}, *cells]
        widths = {name: max(len(row[name]) for row in cells) for name in cells[0]}
        for row in cells:
            texts = (f"{text:{'<' if name in _LEFT else '>'}{widths[name]}}" for name, text in row.items())
            lines.append("  ".join(texts).rstrip())
    return "\n".join(lines)


def _cells(row: RunState) -> dict[str, str]:
    """Return the cells of a run in the table, by the names of their columns."""
    attempt, outcome, evaluation, path = row.attempt, row.outcome, row.evaluation, row.run.path
    progress = row.progress if row.word == "running" else None
    samples, total, note = row.samples, row.total_timesteps, " ".join(row.note.split())
    rate = progress.steps_per_s if progress else None
    if outcome and row.is_over:
        rate = samples / max(outcome.train_seconds, 1e-9)
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
