"""`mimicrl image`: identifies a container image. A study hashes its image once for all steps."""

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
        Path | None,
        typer.Argument(metavar="[IMAGE.sif]", help="The image.", show_default="the image this command runs in"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Also write the output to this JSON file, for the steps of a study.", show_default="no"),
    ] = None,
) -> None:
    """Show the digest of a container image, and the version and commit that it was built from."""
    from mimicrl.runs import container

    found = container.current() if file is None else container.describe(file)
    content = found.model_dump(exclude={"labels"}, exclude_none=True) | (found.labels or {})
    for name, value in content.items():
        console.detail(f"{name}: {value}")
    typer.echo(f"container: {found.image or 'none'}")
    if out is not None:
        work.write(out, found.to_bytes())
