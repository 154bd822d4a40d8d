"""The verbs for a whole study: aggregate, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AllowMissing = Annotated[
    bool, typer.Option("--allow-missing", help="Go on without the runs that are not there; they stay visible.")
]
StudyPath = Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="A study's directory, such as results/demo.")]


def aggregate(study: StudyPath, allow_missing: AllowMissing = False) -> None:
    """Put all runs of a study into tables: one row a run, and one an experiment with error bars over seeds."""
    from mimicrl.analysis.aggregate import aggregate as start

    for line in start(study, allow_missing=allow_missing).headline:
        typer.echo(line)


def report(study: StudyPath, allow_missing: AllowMissing = False) -> None:
    """Write a study's figures and report.html, one page that needs nothing else."""
    from mimicrl.analysis.report import report as start

    typer.echo(str(start(study, allow_missing=allow_missing)))
