"""`mimicrl replay`: shows an episode of a policy as a video, with the reference as a translucent figure beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mimicrl import artifacts, machine
from mimicrl.errors import ConfigError
from mimicrl.stages.options import CheckpointOption, Fps, Height, Seconds, Threads, VideoKind, Width
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.evaluation.replay import Replay
    from mimicrl.runs import Checkpoint, Run

_LONGEST_NAME = 24


@stage("A run")
def replay(
    work: Work,
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR", help="A run directory; several with --grid.")],
    checkpoint: CheckpointOption = "final",
    episode: Annotated[
        int | None,
        typer.Option(
            min=0, help="Number of the episode in the evaluation, from 0.", show_default="the one of median distance"
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the video there.", show_default="RUN_DIR/videos")] = None,
    seconds: Seconds = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = "mp4",
    ghost: Annotated[bool, typer.Option(help="Show the reference beside the walker.")] = True,
    grid: Annotated[
        bool, typer.Option("--grid", help="Show several runs side by side, all from the same start.")
    ] = False,
    view: Annotated[bool, typer.Option("--view", help="Open MuJoCo's viewer instead; needs a display.")] = False,
    dump: Annotated[
        Path | None,
        typer.Option(help="Show the diverged training episode in this file, from a folder `diverged` of the run."),
    ] = None,
    threads: Threads = None,
) -> Path | None:
    """Write a video of one episode of the evaluation, with the reference beside the walker.

    Only --view needs a display.
    """
    _refuse_contradictions(len(runs), grid=grid, view=view, dump=dump, out=out)
    from mimicrl.envs.task import Task
    from mimicrl.evaluation.dump import dump_animation
    from mimicrl.rendering import film, opengl
    from mimicrl.runs import Run

    first, *others = (Run.open(run) for run in runs)
    threads = threads or machine.usable_cores()
    options: dict[str, Any] = {"ghost": ghost, "threads": threads}
    if view:
        from mimicrl.rendering import viewer

        viewer.show(roll_again(first, checkpoint, episode=episode, **options).animation)
        return None
    video = film.VideoOptions(seconds, fps, width, height, kind, ghost)
    shown: list[Replay] = []
    with ThreadPoolExecutor(1) as beside:
        trial = beside.submit(opengl.choose)  # runs in a separate process, in parallel with the rollout
        if dump is not None:
            animations, name = [dump_animation(Task.of_run(first), dump, _title(first))], dump.stem
        else:
            shown = _roll_all(first, others, checkpoint, episode, **options)
            # A chosen episode gets its own file, so that it does not replace the video of the workflow.
            animations, name = (
                [each.animation for each in shown],
                checkpoint + ("" if episode is None else f"-episode-{episode}"),
            )
        drawn_by = asdict(trial.result())
    path = out or first.video_file(f"{name}.{kind}")
    if out is None:
        work.sign_for(first, "replay" if path.name == "final.mp4" else f"replay-{path.name}", physics=threads)
    pictures = film.write(path, animations, video)
    work.wrote(path)
    if shown:
        facts = {"checkpoint": checkpoint, **shown[0].facts(), "pictures": pictures}
        work.result = {**facts, **asdict(video), **drawn_by}
    typer.echo(f"video in {path}")
    return path


def _refuse_contradictions(count: int, *, grid: bool, view: bool, dump: Path | None, out: Path | None) -> None:
    here = "mimicrl replay"
    if view and count > 1:
        raise ConfigError("the viewer shows one run", where=here, got=count, fix="leave out --view")
    if dump is not None and (view or count > 1):
        raise ConfigError("a dump is a video of one run", where=here, fix="leave out --view and --grid")
    if count > 1 and not grid:
        raise ConfigError("several runs need --grid", where=here, got=count, expected="one run")
    if grid and out is None:
        raise ConfigError("a grid of runs needs a place", where=here, fix="give --out FILE.mp4")


def roll_again(
    run: Run, checkpoint: Checkpoint = "final", *, episode: int | None = None, ghost: bool = True, threads: int = 1
) -> Replay:
    """Roll out a run's evaluation again and return one episode; see `mimicrl.evaluation.replay.roll`.

    Raises:
        ArtifactError: The policy or the evaluation's table is missing or damaged.
        ConfigError: The policy was trained with another configuration, or there is no such episode.
    """
    from mimicrl.envs.task import Task
    from mimicrl.evaluation.replay import roll
    from mimicrl.policy import Policy

    policy, file = Policy.of_run(run, checkpoint), run.episodes_file(checkpoint)
    return roll(
        policy,
        Task.of_run(run),
        run.config.evaluation,
        f"{_title(run)}, {checkpoint} policy",
        episode=episode,
        recorded_m=artifacts.read_parquet(file, "distance_m")["distance_m"].to_numpy() if file.is_file() else None,
        ghost=ghost,
        threads=threads,
    )


def _roll_all(
    first: Run, others: list[Run], checkpoint: Checkpoint, episode: int | None, **options: Any
) -> list[Replay]:
    """Roll out the same episode of one or several runs: all begin at the same place in the gait cycle."""
    expected = first.config.evaluation.episodes
    for run in others:
        if (found := run.config.evaluation.episodes) != expected:
            raise ConfigError(
                "the runs of a grid were evaluated from different starts",
                where=run.path,
                got=f"{found} episodes",
                expected=f"{expected}, as {first.path}",
            )
    shown = roll_again(first, checkpoint, episode=episode, **options)
    return [shown, *(roll_again(run, checkpoint, episode=shown.episode, **options) for run in others)]


def _title(run: Run) -> str:
    return f"{_short(run.config.study)} / {_short(run.config.experiment)}, seed {run.config.seed}"


def _short(name: str) -> str:
    """Return the name, with its middle left out if it is long."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 :]}"
