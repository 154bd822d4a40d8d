"""The verbs for motions: list, inspect, play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl.motions.gait import DEFAULT_SPEED_MPS, SPEED_RANGE_MPS
from mimicrl.stages.options import Fps, Height, VideoKind, Width
from mimicrl.walkers import library

if TYPE_CHECKING:
    from mimicrl.motions import ReferenceTrajectory
    from mimicrl.walkers import Walker

app = typer.Typer(help="List, check and show motions.", no_args_is_help=True)

MotionPath = Annotated[
    str, typer.Argument(metavar="FILE|gait", help="A motion file of any format, or 'gait' for the generated walk.")
]
SpeedOption = Annotated[float, typer.Option(help="Speed of the generated walk [m/s].")]
WalkerOption = Annotated[
    str, typer.Option(metavar="NAME|FOLDER|FILE.xml", help="A bundled walker, a walker's folder, or an MJCF file.")
]


@app.command("list")
def list_() -> None:
    """List the generated motions and the motion file formats, and how each format is recognised."""
    from mimicrl.motions.formats import formats

    low, high = SPEED_RANGE_MPS
    typer.echo(f"{'gait':<24}generated human walk, motion.speed_mps {low:.2f} to {high:.2f} m/s")
    for form in formats().values():
        files = " or ".join(f"FILE{ending}" for ending in form.ENDINGS)
        typer.echo(f"{files:<24}{form.WHAT}: {form.LOOKS_FOR}")


@app.command()
def inspect(
    motion: MotionPath,
    speed: SpeedOption = DEFAULT_SPEED_MPS,
    walker: WalkerOption = library.DEFAULT,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="Also draw the joint angles of the motion beside published gait, to this file (.png, .svg, .pdf)."
        ),
    ] = None,
) -> None:
    """Fit a motion to a walker and print its numbers. Exit with 3 if it cannot be a walk."""
    from mimicrl.inspection import motion as inspection
    from mimicrl.motions import plausibility

    reference, body = _reference(motion, speed, walker)
    if figure is not None:
        inspection.draw(reference, body, figure)
    found = plausibility.assess(reference, body)
    typer.echo(inspection.describe(found))
    plausibility.refuse_implausible(found)


@app.command()
def play(
    motion: MotionPath,
    out: Annotated[Path, typer.Option(help="File of the video.")],
    speed: SpeedOption = DEFAULT_SPEED_MPS,
    walker: WalkerOption = library.DEFAULT,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.05, help="Length of the video [s].", show_default="10 if the motion repeats, else all of it"
        ),
    ] = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = "mp4",
) -> None:
    """Write a video of a motion on a walker.

    It shows the motion itself, without physics: the trained walker should look like this.
    """
    from mimicrl.inspection import play as playing
    from mimicrl.rendering.film import VideoOptions

    reference, body = _reference(motion, speed, walker)
    typer.echo(str(playing.play(reference, body, out, VideoOptions(seconds, fps, width, height, kind))))


def _reference(motion: str, speed: float, walker: str) -> tuple[ReferenceTrajectory, Walker]:
    """Read or generate a motion on a walker. Return the motion and the walker."""
    from mimicrl import walkers
    from mimicrl.motions import ReferenceTrajectory, formats, gait

    body = walkers.load(walker)
    if body.inferred:
        typer.echo(f"walker {body.name} has no walker.yaml: the roles of its joints were inferred from their names")
    clip = gait.generate(body, speed) if motion == "gait" else formats.read(Path(motion), body)
    return ReferenceTrajectory(clip, body), body
