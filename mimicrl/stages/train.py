"""`mimicrl train`: from a run directory to its policies, starting or continuing."""

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


@stage("A run")
def train(
    work: Work,
    run: RunPath,
    resume: Annotated[
        Literal["auto", "never", "must"], typer.Option(help="Continue from the newest checkpoint, or start anew.")
    ] = "auto",
    record_divergence: Annotated[
        bool, typer.Option("--record-divergence", help="Exit 0 when training diverges; outcome.json tells.")
    ] = False,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores to use; any number gives the same result.", show_default="all")
    ] = None,
) -> Outcome:
    """Train a run to its budget; continues by itself where it was stopped."""
    from mimicrl.training import stopping

    with stopping.handled_by(stopping.leave_at_once):
        from mimicrl.runs import Run, lock

        folder, cores = Run.open(run), cores or machine.usable_cores()
        # From before PyTorch's slow import on: a second trainer is told at once, and nothing changes meanwhile.
        with lock.hold(folder.lock_file, "mimicrl train"):
            from mimicrl.runs import identity
            from mimicrl.training.trainer import Trainer

            identity.verify(folder)
            work.sign_for(folder, cores=cores)

            def publish(outcome: Outcome) -> None:
                work.wrote(*folder.trained_files)
                work.complete(folder.outcome_file, outcome.to_bytes())

            stop = stopping.StopRequest()
            with stopping.handled_by(stop):
                _sweep(folder)
                try:
                    with contextlib.closing(Trainer(folder, resume, cores, stop)) as trainer:
                        outcome = trainer.train(publish)
                        if trainer.problem is not None and not record_divergence:
                            raise trainer.problem
                except BaseException:
                    work.sign()  # for the checkpoints that there are
                    raise
    first = outcome.first_success_samples
    typer.echo(
        f"{outcome.status} after {outcome.samples:,} samples in {outcome.train_seconds:.0f} s "
        f"(of them {outcome.evaluation_seconds:.0f} s in evaluations); first success "
        + (f"after {first:,} samples" if first else "not reached")
    )
    return outcome


def _sweep(run: Run) -> None:
    """Remove what a killed training left, but not what another verb may be writing at the same time."""
    own = run.training
    policies = (*own.policies_directory.glob("*"), *run.policies_directory.glob("*"))
    for folder in (own.path, own.checkpoints_directory, own.divergences_directory, *policies):
        artifacts.sweep(folder)
    results = (run.metrics_file, run.evaluations_file, run.outcome_file, run.progress_file)
    for file in (*results, run.provenance_file("train")):
        artifacts.sweep(file.parent, file.name)
