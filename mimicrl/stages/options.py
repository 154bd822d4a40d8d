"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

RunPath = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory made by mimicrl init.")]
StudyPath = Annotated[Path, typer.Argument(metavar="STUDY_DIR", help="A study's directory, such as results/demo.")]
CheckpointOption = Annotated[
    Literal["final", "best", "init"],
    typer.Option(
        "--checkpoint", help="Which policy of the run: after training (final), the best one, or before training (init)."
    ),
]
AllowMissing = Annotated[
    bool,
    typer.Option(
        "--allow-missing", help="Do not fail if runs are missing. The tables and the report list the missing runs."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads to use. Any number gives the same result.", show_default="all"),
]
Seconds = Annotated[
    float | None, typer.Option(min=0.05, help="Length of the video [s].", show_default="the whole episode")
]
Fps = Annotated[float, typer.Option(min=1, max=240, help="Frames per second.")]
Width = Annotated[int, typer.Option(min=16, max=7680, help="Width [pixel].")]
Height = Annotated[int, typer.Option(min=16, max=4320, help="Height [pixel].")]
VideoKind = Annotated[
    Literal["mp4", "gif", "png"],
    typer.Option(
        "--format",
        help="Format of the output: mp4 and gif are videos, png is one picture with eight frames side by side.",
    ),
]
