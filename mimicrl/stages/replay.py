"""`mimicrl replay`: an episode of a policy as a video, beside the ghost of its reference."""

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
    from mimicrl.rendering.film import VideoOptions
    from mimicrl.runs import Checkpoint, Run

_LONGEST_NAME = 24


@stage("A run")
def replay(
    work: Work,
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR", help="A run directory; several with --grid.")],
    checkpoint: CheckpointOption = "final",
    episode: Annotated[
        int | None, typer.Option(min=0, help="Which episode of the evaluation.", show_default="of median distance")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the video there.", show_default="RUN_DIR/videos")] = None,
    seconds: Seconds = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = "mp4",
    ghost: Annotated[bool, typer.Option(help="Show the reference beside the walker.")] = True,
    grid: Annotated[bool, typer.Option("--grid", help="Several runs side by side, in phase.")] = False,
    view: Annotated[bool, typer.Option("--view", help="Show it in MuJoCo's viewer instead; needs a display.")] = False,
    dump: Annotated[
        Path | None, typer.Option(help="Show what was kept of a training episode that diverged instead.")
    ] = None,
    threads: Threads = None,
) -> Path | None:
    """Write a video of an episode of the evaluation, the reference beside the walker; needs no display."""
    _refuse_contradictions(len(runs), grid=grid, view=view, dump=dump, out=out)
    from mimicrl.rendering.film import VideoOptions
    from mimicrl.runs import Run

    folders, film = [Run.open(run) for run in runs], VideoOptions(seconds, fps, width, height, kind, ghost)
    options: dict[str, Any] = {"episode": episode, "ghost": ghost, "threads": threads or machine.usable_cores()}
    if view:
        from mimicrl.rendering import viewer

        viewer.show(roll_again(folders[0], checkpoint, **options).take)
        return None
    if dump is not None:
        path = _film_dump(work, folders[0], dump, out, film)
    elif grid and out is not None:
        path = _film_grid(folders, checkpoint, out, film, **options)
    else:
        path = _film_episode(work, folders[0], checkpoint, out, film, **options)
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


def _film_episode(
    work: Work, run: Run, checkpoint: Checkpoint, out: Path | None, settings: VideoOptions, **options: Any
) -> Path:
    from mimicrl.rendering import film, opengl

    with ThreadPoolExecutor(1) as beside:
        trial = beside.submit(opengl.choose)  # in a process of its own, so it costs nothing meanwhile
        shown = roll_again(run, checkpoint, **options)
        opengl = trial.result()
    # Another episode than the workflow's does not take its place.
    name = checkpoint if options["episode"] is None else f"{checkpoint}-episode-{options['episode']}"
    path = out or run.video_file(f"{name}.{settings.kind}")
    if out is None:
        work.sign_for(run, "replay" if path.name == "final.mp4" else f"replay-{path.name}", physics=options["threads"])
    work.sweep(path)
    pictures = film.write(path, [shown.take], settings)
    work.wrote(path)
    work.result = {
        "checkpoint": checkpoint,
        **shown.facts(),
        "pictures": pictures,
        **asdict(settings),
        **asdict(opengl),
    }
    return path


def _film_grid(runs: list[Run], checkpoint: Checkpoint, out: Path, settings: VideoOptions, **options: Any) -> Path:
    """Write a video of several runs side by side, all from the same start in the gait cycle."""
    from mimicrl.rendering import film, opengl

    first, *others = runs
    for run in others:
        _refuse_other_starts(run, first)
    opengl.choose()
    shown = [roll_again(first, checkpoint, **options)]
    options["episode"] = shown[0].episode
    shown += [roll_again(run, checkpoint, **options) for run in others]
    film.write(out, [each.take for each in shown], settings)
    return out


def _refuse_other_starts(run: Run, first: Run) -> None:
    counts = [each.config.evaluation.episodes for each in (run, first)]
    if counts[0] != counts[1]:
        raise ConfigError(
            "the runs of a grid were evaluated from different starts",
            where=run.path,
            got=f"{counts[0]} episodes",
            expected=f"{counts[1]}, as {first.path}",
        )


def _film_dump(work: Work, run: Run, dump: Path, out: Path | None, settings: VideoOptions) -> Path:
    """Write a video of a dump, by default ``RUN_DIR/videos/NAME_OF_THE_DUMP.mp4``."""
    from mimicrl.envs.task import Task
    from mimicrl.evaluation.dump import dump_take
    from mimicrl.rendering import film

    path = out or run.video_file(f"{dump.stem}.{settings.kind}")
    if out is None:
        work.sign_for(run, f"replay-{path.name}")
    work.sweep(path)
    film.write(path, [dump_take(Task.of_run(run), dump, _title(run))], settings)
    work.wrote(path)
    return path


def _title(run: Run) -> str:
    return f"{_short(run.config.study)} / {_short(run.config.experiment)}, seed {run.config.seed}"


def _short(name: str) -> str:
    """Return a name that leaves room for others in a line."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 :]}"
