"""`mimicrl evaluate`: writes tables and a summary of the episodes of a trained policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimicrl import machine
from mimicrl.errors import ConfigError
from mimicrl.stages.options import CheckpointOption, RunPath, Threads
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.evaluation.metrics import Summary


@stage("A run")
def evaluate(
    work: Work,
    run: RunPath,
    checkpoint: CheckpointOption = "final",
    protocol: Annotated[
        str, typer.Option(help="How to evaluate: the name of a file in mimicrl/protocols, without .py.")
    ] = "standard",
    episodes: Annotated[
        int | None, typer.Option(min=2, help="Number of episodes.", show_default="as many as the protocol has")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the episodes to this file, and the gait cycle and the summary beside it.",
            show_default="in RUN_DIR",
        ),
    ] = None,
    threads: Threads = None,
) -> Summary:
    """Evaluate a policy, and write episodes.parquet, summary.json and gait_cycle.parquet."""
    from mimicrl import protocols
    from mimicrl.artifacts import parquet_bytes
    from mimicrl.envs.task import Task
    from mimicrl.evaluation.evaluator import Evaluator
    from mimicrl.evaluation.gait_cycle import GaitCycle
    from mimicrl.evaluation.metrics import summarize
    from mimicrl.evaluation.results import episodes_table, evaluation_summary
    from mimicrl.policy import Policy
    from mimicrl.runs import Run

    folder, threads = Run.open(run), threads or machine.usable_cores()
    parameters = protocols.choose(protocol, folder.config.evaluation)
    policy, task = Policy.of_run(folder, checkpoint), Task.of_run(folder)
    whose = checkpoint, protocol
    files = folder.episodes_file(*whose), folder.gait_cycle_file(*whose), folder.summary_file(*whose)
    if out is not None:
        files = out, out.with_name(f"{out.stem}-gait_cycle.parquet"), out.with_name(f"{out.stem}-summary.json")
    else:
        if episodes not in (None, parameters.episodes):
            raise ConfigError(
                "an evaluation in the run's folder has the protocol's number of episodes",
                where="--episodes",
                got=episodes,
                expected=parameters.episodes,
                fix="give --out FILE for another number",
            )
        name = "evaluate" if files[0].parent == folder.path else f"evaluate-{protocol}-{checkpoint}"
        work.sign_for(folder, name, physics=threads)
    if episodes is not None:
        parameters = parameters.model_copy(update={"episodes": episodes})
    cycle = GaitCycle(len(task.walker.joint_names))
    evaluation = Evaluator(task, parameters, threads).episodes(policy, watch=cycle.watch)
    record = evaluation_summary(evaluation, protocol, checkpoint, policy.weights_sha256)
    episodes_file, cycle_file, summary_file = files
    work.write(cycle_file, parquet_bytes(cycle.table(task.walker, task.reference)))
    work.write(episodes_file, parquet_bytes(episodes_table(evaluation)))
    work.complete(summary_file, record.to_bytes())  # the summary says which policy the episodes are of
    summary = summarize(evaluation)
    typer.echo(f"{checkpoint} policy: {summary.describe()}")
    return summary
