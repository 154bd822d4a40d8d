"""`mimicrl evaluate`: the episodes of a trained policy as tables, and what they come to."""

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
    episodes: Annotated[int | None, typer.Option(min=2, help="Number of starts.", show_default="the study's")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the episodes there.", show_default="in RUN_DIR")] = None,
    threads: Threads = None,
) -> Summary:
    """Evaluate a policy from evenly spread starts; writes episodes.parquet, summary.json and gait_cycle.parquet."""
    from mimicrl.artifacts import parquet_bytes
    from mimicrl.envs.task import Task
    from mimicrl.evaluation.results import evaluate_policy
    from mimicrl.policy import Policy
    from mimicrl.runs import Run

    folder, threads = Run.open(run), threads or machine.usable_cores()
    policy, task, settings = Policy.of_run(folder, checkpoint), Task.of_run(folder), folder.config.evaluation
    files = folder.episodes_file(checkpoint), folder.gait_cycle_file(checkpoint), folder.summary_file(checkpoint)
    if out is not None:
        files = out, out.with_name(f"{out.stem}-gait_cycle.parquet"), out.with_name(f"{out.stem}-summary.json")
    else:
        _refuse_other_number(episodes, settings.episodes)
        work.sign_for(folder, "evaluate" if checkpoint == "final" else f"evaluate-{checkpoint}", physics=threads)
    results = evaluate_policy(policy, task, settings, checkpoint, count=episodes, threads=threads)
    episodes_file, cycle_file, summary_file = files
    work.write(cycle_file, parquet_bytes(results.gait_cycle))
    work.write(episodes_file, parquet_bytes(results.episodes))
    work.complete(summary_file, results.summary.to_bytes())  # it says whose episodes they are
    typer.echo(f"{checkpoint} policy: {results.brief.describe()}")
    return results.brief


def _refuse_other_number(episodes: int | None, expected: int) -> None:
    if episodes not in (None, expected):
        raise ConfigError(
            "the run's own evaluation has the study's number of episodes",
            where="--episodes",
            got=episodes,
            expected=expected,
            fix="give --out FILE for another number",
        )
