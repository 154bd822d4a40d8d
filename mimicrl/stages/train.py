"""`mimicrl train`: trains the policies of a run, from the start or from the newest checkpoint."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mimicrl import artifacts, machine
from mimicrl.stages.options import RunPath
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.runs import Run
    from mimicrl.runs.records import Outcome
    from mimicrl.training.checkpoints.resume import Resume


@stage("A run")
def train(
    work: Work,
    run: RunPath,
    resume: Annotated[
        Literal["auto", "never", "must"],
        typer.Option(
            help="auto: continue if there is a checkpoint. never: start from zero. must: fail without a checkpoint."
        ),
    ] = "auto",
    record_divergence: Annotated[
        bool,
        typer.Option(
            "--record-divergence", help="If training diverges, exit with 0. outcome.json records it in any case."
        ),
    ] = False,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores to use; any number gives the same result.", show_default="all")
    ] = None,
) -> Outcome:
    """Train a run until it has used all samples of its budget.

    A training that was stopped continues from its newest checkpoint.
    """
    from mimicrl.training import stopping

    with stopping.handled_by(stopping.leave_at_once):
        from mimicrl.runs import Run

        options = {"resume": resume, "record_divergence": record_divergence, "cores": cores}
        outcome = train_run(work, Run.open(run), **options)
    typer.echo(_describe(outcome))
    return outcome


def train_run(
    work: Work, run: Run, *, resume: Resume = "auto", record_divergence: bool = False, cores: int | None = None
) -> Outcome:
    """Train a run until it has used its budget; start from its newest checkpoint if there is one.

    Args:
        work: The stage at work.
        run: The run.
        resume: ``auto`` continues if there is a checkpoint. ``never`` starts from zero. ``must`` fails if there is no
            checkpoint.
        record_divergence: Return the outcome of a training that diverged instead of raising.
        cores: Cores to use, by default all usable ones; any number gives the same weights.

    Raises:
        ArtifactError: A file of the run was changed. `mimicrl.training.trainer.Trainer` lists more reasons.
        ConfigError: The configuration asks for fewer samples than were taken, or a plugin fails.
        Interrupted: A signal stopped training; a checkpoint was written.
        MachineError: The disk is full, or a checkpoint cannot be read.
        RunLocked: Another process trains in this run.
        TrainingDiverged: Training diverged; the last finite policy is the final one.
    """
    from mimicrl.runs import identity, lock

    cores = cores or machine.usable_cores()
    # The lock comes before PyTorch's slow import. So a second training is refused at once, and nobody changes the
    # run during the import.
    with lock.hold(run.lock_file, "mimicrl train"):
        from mimicrl.training import stopping
        from mimicrl.training.trainer import Trainer

        identity.verify(run)

        def publish(outcome: Outcome) -> None:
            work.sign_for(run, cores=cores)
            initial = (run.weights_file("init"), run.description_file("init"))
            # The initial policy may be missing: if it was damaged, the training continued without it.
            work.wrote(*run.trained_files, *(file for file in initial if file.is_file()))
            work.complete(run.outcome_file, outcome.to_bytes())

        stop = stopping.StopRequest()
        with stopping.handled_by(stop):
            _sweep(run)
            with contextlib.closing(Trainer(run, resume, cores, stop)) as trainer:
                outcome = trainer.train(publish)
                if trainer.problem is not None and not record_divergence:
                    raise trainer.problem
    return outcome


def _describe(outcome: Outcome) -> str:
    """Return one line that says how a training ended."""
    word = "diverged" if outcome.status == "diverged" else outcome.verdict or "never evaluated"
    first = outcome.first_success_samples
    success = "not reached" if first is None else f"after {first:,} samples"
    times = f"{outcome.train_seconds:.0f} s, of them {outcome.evaluation_seconds:.0f} s in evaluations"
    return f"{word}: {outcome.samples:,} samples in {times}; first success {success}"


def _sweep(run: Run) -> None:
    """Remove the unfinished files of a killed training, but no file that another verb may be writing."""
    own = run.training
    policies = (*own.policies_directory.glob("*"), *run.policies_directory.glob("*"))
    for folder in (own.path, own.checkpoints_directory, own.divergences_directory, *policies):
        artifacts.sweep(folder)
