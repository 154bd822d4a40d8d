"""`mimicrl image`: identifies the container's image; a study hashes it once for all steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimicrl import console
from mimicrl.stages.stage import Work, stage


@stage("The machine")
def image(
    work: Work,
    file: Annotated[
        Path | None, typer.Argument(metavar="[IMAGE.sif]", help="The image.", show_default="the one this runs in")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it to this JSON file, for the steps of a study.", show_default="no")
    ] = None,
) -> None:
    """Show an image's digest and what it was built from."""
    from mimicrl.runs import container

    found = container.current() if file is None else container.describe(file)
    content = found.model_dump(exclude={"labels"}, exclude_none=True) | (found.labels or {})
    for name, value in content.items():
        console.detail(f"{name}: {value}")
    typer.echo(f"container: {found.image or 'none'}")
    if out is not None:
        work.write(out, found.to_bytes())
