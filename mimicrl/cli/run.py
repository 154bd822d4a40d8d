"""The verbs for one run: init, train, evaluate, replay."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mimicrl.cli.options import CheckpointChoice, Fps, Height, RunPath, Seconds, Threads, VideoFormat, VideoKind, Width
from mimicrl.errors import ConfigError


class ResumeChoice(StrEnum):
    """What to do with earlier checkpoints."""

    auto = "auto"
    never = "never"
    must = "must"


def init(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study's configuration.")],
    out: Annotated[Path, typer.Option(help="The study's or the run's directory.")],
    experiment: Annotated[str | None, typer.Option(help="Initialise a run of this experiment …")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="… with this seed.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a value of the run.")
    ] = None,
) -> None:
    """Write a study's directory, or with --experiment and --seed a run's."""
    from mimicrl.config import load_study, resolve
    from mimicrl.mimic.prepare import prepare_run, prepare_study

    if (experiment is None) != (seed is None):
        raise ConfigError("a run needs both --experiment and --seed", where="mimicrl init")
    loaded = load_study(study)
    if experiment is None or seed is None:
        if set_:
            raise ConfigError("--set changes a run, not a study", where="mimicrl init", fix="edit the study's YAML")
        prepare_study(loaded, out)
        return
    run = prepare_run(resolve(loaded, experiment, seed, set_ or ()), study.parent, out)
    typer.echo(f"{run.path}: training state {run.fingerprint}")


def train(
    run: RunPath,
    resume: Annotated[
        ResumeChoice, typer.Option(help="Continue from the newest checkpoint, or start anew.")
    ] = ResumeChoice.auto,
    record_divergence: Annotated[
        bool, typer.Option("--record-divergence", help="Exit 0 when training diverges; outcome.json tells.")
    ] = False,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores to use; any number gives the same result.", show_default="all")
    ] = None,
) -> None:
    """Train a run to its budget; continues by itself where it was stopped."""
    from mimicrl.training import stopping

    with stopping.handled_by(stopping.leave_at_once):
        from mimicrl.runs import Run, lock

        directory = Run.open(run)
        # From before PyTorch's slow import on: a second trainer is told at once, and nothing changes meanwhile.
        with lock.hold(directory.lock_file, "mimicrl train"):
            from mimicrl.training.train import train_locked

            outcome = train_locked(directory, resume=resume.value, record_divergence=record_divergence, cores=cores)
    first = outcome.first_success_samples
    typer.echo(
        f"{outcome.status} after {outcome.samples:,} samples in {outcome.train_seconds:.0f} s "
        f"(of them {outcome.evaluation_seconds:.0f} s in evaluations); first success "
        + (f"after {first:,} samples" if first else "not reached")
    )


def evaluate(
    run: RunPath,
    checkpoint: Annotated[CheckpointChoice, typer.Option(help="Which policy.")] = CheckpointChoice.final,
    episodes: Annotated[int | None, typer.Option(min=2, help="Number of starts.", show_default="the study's")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the episodes there.", show_default="in RUN_DIR")] = None,
    threads: Threads = None,
) -> None:
    """Evaluate a policy from evenly spread starts; writes episodes.parquet, summary.json and gait_cycle.parquet."""
    from mimicrl import machine
    from mimicrl.evaluation.evaluate import evaluate as start
    from mimicrl.runs import Run

    threads = threads or machine.usable_cores()
    summary = start(Run.open(run), checkpoint.value, episodes=episodes, out=out, threads=threads)
    typer.echo(summary.describe())


def replay(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN_DIR", help="A run directory; several with --grid.")],
    checkpoint: Annotated[CheckpointChoice, typer.Option(help="Which policy.")] = CheckpointChoice.final,
    episode: Annotated[
        int | None, typer.Option(min=0, help="Which episode of the evaluation.", show_default="of median distance")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the video there.", show_default="RUN_DIR/videos")] = None,
    seconds: Seconds = None,
    fps: Fps = 30.0,
    width: Width = 640,
    height: Height = 480,
    kind: VideoKind = VideoFormat.mp4,
    ghost: Annotated[bool, typer.Option(help="Show the reference beside the walker.")] = True,
    grid: Annotated[bool, typer.Option("--grid", help="Several runs side by side, in phase.")] = False,
    view: Annotated[bool, typer.Option("--view", help="Show it in MuJoCo's viewer instead; needs a display.")] = False,
    dump: Annotated[
        Path | None, typer.Option(help="Show what was kept of a training episode that diverged instead.")
    ] = None,
    threads: Threads = None,
) -> None:
    """Write a video of an episode of the evaluation, the reference beside the walker; needs no display."""
    from mimicrl import machine
    from mimicrl.evaluation import replay as replaying
    from mimicrl.rendering.film import Film
    from mimicrl.runs import Run

    if view and len(runs) > 1:
        raise ConfigError("the viewer shows one run", where="mimicrl replay", got=len(runs), fix="leave out --view")
    if dump is not None and (view or len(runs) > 1):
        raise ConfigError("a dump is a video of one run", where="mimicrl replay", fix="leave out --view and --grid")
    if len(runs) > 1 and not grid:
        raise ConfigError("several runs need --grid", where="mimicrl replay", got=len(runs), expected="one run")
    if grid and out is None:
        raise ConfigError("a grid of runs needs a place", where="mimicrl replay", fix="give --out FILE.mp4")
    threads = threads or machine.usable_cores()
    directories = [Run.open(run) for run in runs]
    if view:
        from mimicrl.rendering import viewer

        viewer.show(replaying.roll(directories[0], checkpoint.value, episode=episode, threads=threads).take)
        return
    film = Film(seconds, fps, width, height, kind.value, ghost)
    if dump is not None:
        from mimicrl.evaluation.dump import replay_dump

        typer.echo(str(replay_dump(directories[0], dump, out, film)))
        return
    options: dict[str, Any] = {"episode": episode, "settings": film, "threads": threads}
    if grid and out is not None:
        path = replaying.replay_grid(directories, checkpoint.value, out=out, **options)
    else:
        path = replaying.replay(directories[0], checkpoint.value, out=out, **options)
    typer.echo(str(path))
