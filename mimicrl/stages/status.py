"""`mimicrl status`: how far runs are."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.runs.state import RunState

_WATCH_S = 2.0


@stage("A study")
def status(
    _: Work,
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="All results, a study or a run.", show_default=True)
    ] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Refresh until all runs have finished.")] = False,
) -> None:
    """Show how far runs are; only reads their files, so runs may be training, here or on other hosts."""
    from rich.live import Live
    from rich.text import Text

    from mimicrl.runs import status as statuses

    if watch:
        # Nothing of the live table stays on the terminal. Ctrl-C is the way to leave it.
        with contextlib.suppress(KeyboardInterrupt), Live(auto_refresh=False, transient=True) as live:
            while any(not row.is_over for row in statuses.read(directory)):
                table = statuses.table(_urgent_first(statuses.read(directory)))
                live.update(Text(table, no_wrap=True, overflow="ellipsis"), refresh=True)
                time.sleep(_WATCH_S)
    typer.echo(statuses.table(statuses.read(directory)))


def _urgent_first(rows: list[RunState]) -> list[RunState]:
    """Return the runs with those first that train or need someone: a terminal may be too short for all."""
    return sorted(rows, key=lambda row: row.is_over or row.word == "waiting")
