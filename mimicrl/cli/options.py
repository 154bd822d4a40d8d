"""Arguments and options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

RunPath = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory made by mimicrl init.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads to use; any number gives the same result.", show_default="all"),
]


class CheckpointChoice(StrEnum):
    """Which of a run's policies."""

    final = "final"
    best = "best"
    init = "init"


class VideoFormat(StrEnum):
    """What a video is written as."""

    mp4 = "mp4"
    gif = "gif"
    png = "png"


Seconds = Annotated[float | None, typer.Option(min=0.05, help="Length of the video.", show_default="all there is")]
Fps = Annotated[float, typer.Option(min=1, max=240, help="Pictures a second.")]
Width = Annotated[int, typer.Option(min=16, max=7680, help="[pixel]")]
Height = Annotated[int, typer.Option(min=16, max=4320, help="[pixel]")]
VideoKind = Annotated[VideoFormat, typer.Option("--format", help="png is one strip of eight pictures.")]
