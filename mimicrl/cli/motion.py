"""The verbs for motion clips: list, inspect, play."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl.errors import ConfigError
from mimicrl.stages.options import Fps, Height, Seconds, VideoKind, Width

if TYPE_CHECKING:
    import pandas

    from mimicrl.motions import MotionClip
    from mimicrl.walkers import Walker

app = typer.Typer(help="Motion clips: what they are, are they sane, what they look like.", no_args_is_help=True)

MotionPath = Annotated[
    str, typer.Argument(metavar="FILE|gait", help="A motion file, or 'gait' for the generated walk.")
]
SpeedOption = Annotated[float, typer.Option(help="Speed of the generated walk [m/s].")]
WalkerOption = Annotated[str, typer.Option(help="A bundled walker.")]


@app.command("list")
def list_() -> None:
    """List the motions that need no file, and the formats of motion files, which are known by their content."""
    from mimicrl.motions import gait
    from mimicrl.motions.formats import formats

    low, high = gait.SPEED_RANGE_MPS
    typer.echo(f"{'gait':<24}generated human walk, motion.speed_mps {low} to {high} m/s")
    for form in formats().values():
        typer.echo(f"{' or '.join(f'FILE{ending}' for ending in form.ENDINGS):<24}{form.WHAT}: {form.LOOKS_FOR}")


@app.command()
def inspect(
    motion: MotionPath,
    speed: SpeedOption = 1.25,
    walker: WalkerOption = "walker3d",
    figure: Annotated[
        Path | None, typer.Option(help="Draw its joint angles beside published gait (.png, .svg, .pdf).")
    ] = None,
) -> None:
    """Show what a motion is and whether it is sane on a walker."""
    from mimicrl.motions import ReferenceTrajectory, validate

    clip, body = _motion(motion, speed, walker)
    if figure is not None:
        from mimicrl.evaluation.gait_cycle import GaitCycle

        cycle = GaitCycle(len(body.joint_names)).table(body, ReferenceTrajectory(clip, body))
        _draw(clip.name, cycle, figure)
    typer.echo(validate.inspect(clip, body).describe())
    validate.refuse_implausible(clip, body)


@app.command()
def play(
    motion: MotionPath,
    out: Annotated[Path, typer.Option(help="Write the video there.")],
    speed: SpeedOption = 1.25,
    walker: WalkerOption = "walker3d",
    seconds: Seconds = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = "mp4",
) -> None:
    """Show a motion on a walker as a video: pure kinematics, as a trained walker should do it."""
    from mimicrl.evaluation import play as playing
    from mimicrl.motions import ReferenceTrajectory
    from mimicrl.rendering.film import VideoOptions

    clip, body = _motion(motion, speed, walker)
    film = VideoOptions(seconds, fps, width, height, kind)
    typer.echo(str(playing.play(ReferenceTrajectory(clip, body), body, out, film)))


def _draw(name: str, cycle: pandas.DataFrame, path: Path) -> None:
    """Draw joint angles over the gait cycle to a file of the kind its ending says."""
    from mimicrl import artifacts
    from mimicrl.figures.gait_cycle import gait_cycle_figure
    from mimicrl.figures.style import figure_bytes
    from mimicrl.runs.layout import FIGURE_FORMATS

    kind = path.suffix.lower().removeprefix(".")
    if kind not in FIGURE_FORMATS:
        formats = ", ".join(f".{name}" for name in FIGURE_FORMATS)
        raise ConfigError("figures have no such format", where=path, got=path.suffix or "none", expected=formats)
    artifacts.write_bytes(path, figure_bytes(gait_cycle_figure({name: cycle}), kind))


def _motion(motion: str, speed: float, walker: str) -> tuple[MotionClip, Walker]:
    """Return a motion, read or generated, and the walker it is fitted to."""
    from mimicrl import walkers
    from mimicrl.motions import formats, gait

    body = walkers.load(walker)
    return gait.generate(body, speed) if motion == "gait" else formats.read(Path(motion), body), body
