"""The verbs for motions: list, inspect, play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl.motions.gait import DEFAULT_SPEED_MPS, SPEED_RANGE_MPS
from mimicrl.stages.options import Fps, Height, Seconds, VideoKind, Width
from mimicrl.walkers import library

if TYPE_CHECKING:
    from mimicrl.motions import ReferenceTrajectory
    from mimicrl.walkers import Walker

app = typer.Typer(
    help="Motions: which there are, whether they are plausible, what they look like.", no_args_is_help=True
)

MotionPath = Annotated[
    str, typer.Argument(metavar="FILE|gait", help="A motion file of any format, or 'gait' for the generated walk.")
]
SpeedOption = Annotated[float, typer.Option(help="Speed of the generated walk [m/s].")]
WalkerOption = Annotated[
    str, typer.Option(metavar="NAME|FOLDER|FILE.xml", help="A bundled walker, a walker's folder, or an MJCF file.")
]


@app.command("list")
def list_() -> None:
    """List the motions that need no file, and the formats of motion files with what tells them apart."""
    from mimicrl.motions.formats import formats

    low, high = SPEED_RANGE_MPS
    typer.echo(f"{'gait':<24}generated human walk, motion.speed_mps {low} to {high} m/s")
    for form in formats().values():
        files = " or ".join(f"FILE{ending}" for ending in form.ENDINGS)
        typer.echo(f"{files:<24}{form.WHAT}: {form.LOOKS_FOR}")


@app.command()
def inspect(
    motion: MotionPath,
    speed: SpeedOption = DEFAULT_SPEED_MPS,
    walker: WalkerOption = library.DEFAULT,
    figure: Annotated[
        Path | None, typer.Option(help="Draw its joint angles beside published gait (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Describe a motion on a walker, and refuse it if it cannot be a walk."""
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
    out: Annotated[Path, typer.Option(help="Write the video there.")],
    speed: SpeedOption = DEFAULT_SPEED_MPS,
    walker: WalkerOption = library.DEFAULT,
    seconds: Seconds = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = "mp4",
) -> None:
    """Show a motion on a walker as a video: pure kinematics, as a trained walker should do it."""
    from mimicrl.inspection import play as playing
    from mimicrl.rendering.film import VideoOptions

    reference, body = _reference(motion, speed, walker)
    typer.echo(str(playing.play(reference, body, out, VideoOptions(seconds, fps, width, height, kind))))


def _reference(motion: str, speed: float, walker: str) -> tuple[ReferenceTrajectory, Walker]:
    """Return a motion, read or generated, on a walker, and that walker."""
    from mimicrl import walkers
    from mimicrl.motions import ReferenceTrajectory, formats, gait

    body = walkers.load(walker)
    if body.inferred:
        typer.echo(f"walker {body.name} has no walker.yaml: the roles of its joints were inferred from their names")
    clip = gait.generate(body, speed) if motion == "gait" else formats.read(Path(motion), body)
    return ReferenceTrajectory(clip, body), body
