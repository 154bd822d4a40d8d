"""The verbs for a whole study: aggregate, report, status."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Annotated

import typer

AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Go on without the runs that are not there; they stay visible.")
]
StudyPath = Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="A study's directory, such as results/demo.")]

_WATCH_S = 2.0


def aggregate(study: StudyPath, allow_missing: AllowMissing = False) -> None:
    """Put all runs of a study into tables: one row a run, and one an experiment with error bars over seeds."""
    from mimicrl.analysis.aggregate import aggregate as start

    for line in start(study, allow_missing=allow_missing).headline:
        typer.echo(line)


def report(study: StudyPath, allow_missing: AllowMissing = False) -> None:
    """Write a study's figures and report.html, one page that needs nothing else."""
    from mimicrl.analysis.report import report as start

    typer.echo(str(start(study, allow_missing=allow_missing)))


def status(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="All results, a study or a run.", show_default=True)
    ] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until all runs are at their end.")] = False,
) -> None:
    """Tell how far runs are; reads their files only, also while they train, here or on other hosts."""
    from mimicrl import status as statuses

    if watch:
        with contextlib.suppress(KeyboardInterrupt):  # the way to leave it
            _show_until_over(directory)
    typer.echo(statuses.table(statuses.read(directory)))


def _show_until_over(directory: Path) -> None:
    """Show how far runs are on a terminal; nothing of it stays."""
    from rich.live import Live
    from rich.text import Text

    from mimicrl import status as statuses

    with Live(auto_refresh=False, transient=True) as live:
        while not statuses.is_over(rows := statuses.read(directory)):
            text = statuses.table(rows, height=live.console.height - 1)
            live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(_WATCH_S)
