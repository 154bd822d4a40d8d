"""`mimicrl status`: how far runs are."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Annotated

import typer

from mimicrl.stages.stage import Work, stage

_WATCH_S = 2.0


@stage("A study")
def status(
    _: Work,
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", help="All results, a study or a run.", show_default=True)
    ] = Path("results"),
    watch: Annotated[bool, typer.Option("--watch", help="Go on showing it until all runs are at their end.")] = False,
) -> None:
    """Tell how far runs are; reads their files only, also while they train, here or on other hosts."""
    from mimicrl.runs import status as statuses

    if watch:
        with contextlib.suppress(KeyboardInterrupt):  # the way to leave it
            _show_until_over(directory)
    typer.echo(statuses.table(statuses.read(directory)))


def _show_until_over(directory: Path) -> None:
    """Show how far runs are on a terminal; nothing of it stays."""
    from rich.live import Live
    from rich.text import Text

    from mimicrl.runs import status as statuses

    with Live(auto_refresh=False, transient=True) as live:
        while not statuses.is_over(rows := statuses.read(directory)):
            text = statuses.table(rows, height=live.console.height - 1)
            live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(_WATCH_S)
