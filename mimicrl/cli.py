"""The command line: parse, read the configuration, make one call, turn errors into exit codes.

Heavy imports stand inside the verbs, so that ``mimicrl --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from mimicrl.errors import ConfigError, MachineError, MimicError

app = typer.Typer(
    name="mimicrl",
    help="From a motion clip of a person walking to a simulated walker that walks like that.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
motion_app = typer.Typer(help="Motion clips: what they are, and are they sane.", no_args_is_help=True)
app.add_typer(motion_app, name="motion")

_VERBOSE = {"-v", "--verbose"}
INTERRUPTED_BY_USER = 130
UNEXPECTED = 1

RunPath = Annotated[Path, typer.Argument(metavar="RUN_DIR", help="A run directory made by mimicrl init.")]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Threads of the physics; any number gives the same result.", show_default="all"),
]


class ResumeChoice(StrEnum):
    """What to do with earlier checkpoints."""

    auto = "auto"
    never = "never"
    must = "must"


class CheckpointChoice(StrEnum):
    """Which of a run's policies."""

    final = "final"
    best = "best"
    init = "init"


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks of errors.")] = False,
) -> None:
    """Take the options that stand before the verb; `main` reads them itself."""


@app.command()
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


@app.command()
def train(
    run: RunPath,
    resume: Annotated[
        ResumeChoice, typer.Option(help="Continue from the newest checkpoint, or start anew.")
    ] = ResumeChoice.auto,
    record_divergence: Annotated[
        bool, typer.Option("--record-divergence", help="Exit 0 when training diverges; outcome.json tells.")
    ] = False,
    threads: Threads = None,
) -> None:
    """Train a run to its budget; continues by itself where it was stopped."""
    from mimicrl.runs import RunDirectory

    directory = RunDirectory.open(run)
    with directory.training_lock():  # before PyTorch's slow import: a second trainer is told at once
        pass
    from mimicrl.training.train import train as start

    outcome = start(directory, resume=resume.value, record_divergence=record_divergence, threads=threads)
    first = outcome.first_success_samples
    typer.echo(
        f"{outcome.status} after {outcome.samples:,} samples in {outcome.train_seconds:.0f} s "
        f"(of which {outcome.evaluation_seconds:.0f} s evaluation); first success "
        + (f"after {first:,} samples" if first else "not reached")
    )


@app.command()
def evaluate(
    run: RunPath,
    checkpoint: Annotated[CheckpointChoice, typer.Option(help="Which policy.")] = CheckpointChoice.final,
    episodes: Annotated[int | None, typer.Option(min=2, help="Number of starts.", show_default="the study's")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the episodes there.", show_default="in RUN_DIR")] = None,
    threads: Threads = None,
) -> None:
    """Evaluate a policy from evenly spread starts; writes episodes.parquet and gait_cycle.parquet."""
    from mimicrl import provenance
    from mimicrl.evaluation.evaluate import evaluate as start
    from mimicrl.runs import RunDirectory

    threads = threads or provenance.usable_cores()
    summary = start(RunDirectory.open(run), checkpoint.value, episodes=episodes, out=out, threads=threads)
    typer.echo(summary.describe())


@motion_app.command("list")
def motion_list() -> None:
    """List the motions that need no file, and the formats of motion files."""
    from mimicrl.motions import gait, readers

    low, high = gait.SPEED_RANGE_MPS
    typer.echo(f"gait            generated human walk, motion.speed_mps {low} to {high} m/s")
    for ending, (what, _) in readers.FORMATS.items():
        typer.echo(f"FILE{ending:<12}{what}")


@motion_app.command("inspect")
def motion_inspect(
    motion: Annotated[
        str, typer.Argument(metavar="FILE|gait", help="A motion file, or 'gait' for the generated walk.")
    ],
    speed: Annotated[float, typer.Option(help="Speed of the generated walk [m/s].")] = 1.25,
    walker: Annotated[str, typer.Option(help="A bundled walker.")] = "walker3d",
) -> None:
    """Show what a motion is and whether it is sane on a walker."""
    from mimicrl import walkers
    from mimicrl.motions import gait, readers, validate

    body = walkers.load(walker)
    clip = gait.generate(body, speed) if motion == "gait" else readers.read(Path(motion), body)
    typer.echo(validate.inspect(clip, body).describe())
    validate.refuse_implausible(clip, body)


def main() -> None:
    """Run the command line and exit."""
    # Before NumPy and PyTorch are imported: idle OpenMP threads must not steal a core from the physics, and small
    # matrix products are faster and the same bits on one thread.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # -v may stand anywhere; the verbs do not know it.
    arguments = [word for word in sys.argv[1:] if word not in _VERBOSE]
    words = [word for word in arguments if not word.startswith("-")]
    verb = " ".join(words[: 2 if words[:1] == ["motion"] else 1])
    try:
        code = app(arguments, standalone_mode=False)
        if code == INTERRUPTED_BY_USER:  # how typer tells of a Ctrl-C
            raise KeyboardInterrupt
    except TyperException as error:  # wrong use of the command line
        if str(error):  # without any words typer has shown the help, and that is all there is to say
            _tell(f"mimicrl {verb}: {error.format_message()} — run mimicrl --help".replace("mimicrl :", "mimicrl:"))
        code = ConfigError.exit_code
    except KeyboardInterrupt:
        _tell(f"mimicrl {verb}: stopped by Ctrl-C")
        code = INTERRUPTED_BY_USER
    except Exception as error:
        code = _explain(error, verb)
    sys.exit(code)


def _explain(error: Exception, verb: str) -> int:
    """Tell the user what went wrong, the last line in the form of the contract; return the exit code."""
    if _VERBOSE & set(sys.argv[1:]):
        traceback.print_exception(error)
    if isinstance(error, OSError):  # not raised through an artifact: a place that cannot be read or written
        error = MachineError(
            "a file cannot be used",
            where=error.filename or verb,
            got=error.strerror or error,
            fix="check the path, its permissions and the space on the disk",
        )
    if not isinstance(error, MimicError):
        kind = type(error).__name__
        _tell(f"mimicrl {verb}: unexpected {kind} — {error} — run mimicrl -v {verb} … and report it")
        return UNEXPECTED
    for problem in getattr(error, "problems", ()):
        _tell(problem)
    _tell(f"mimicrl {verb}: {error}")
    return error.exit_code


def _tell(text: str) -> None:
    typer.echo(" ".join(text.split("\n")), err=True)
