"""The verb for the machine: doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    video: Annotated[bool, typer.Option(help="Whether videos are to be made here.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write what was found there, as JSON.", show_default="no")] = None,
) -> None:
    """Tell what this machine can do, and what to install where something is missing."""
    from mimicrl import doctor as doctors

    found, problems = doctors.examine(videos=video)
    for line in doctors.describe(found, videos=video):
        typer.echo(line)
    doctors.refuse(problems)
    if out is not None:
        found.write(out)
