"""`mimicrl evaluate`: the episodes of a trained policy as tables, and what they come to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mimicrl import artifacts, machine
from mimicrl.envs.task import Task
from mimicrl.errors import ConfigError
from mimicrl.evaluation.gait_cycle import GaitCycle
from mimicrl.evaluation.metrics import Evaluation, Summary, columns, judge, metric_summaries, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.policy import Policy
from mimicrl.runs import Checkpoint, Run, identity, provenance
from mimicrl.runs.summary import EvaluationSummary


def evaluate(
    run: Run,
    checkpoint: Checkpoint = "final",
    *,
    episodes: int | None = None,
    out: Path | None = None,
    threads: int = 1,
) -> Summary:
    """Evaluate a policy of a run and write ``episodes.parquet``, ``gait_cycle.parquet`` and ``summary.json``.

    Args:
        run: The run.
        checkpoint: Which of its policies.
        episodes: Number of starts; by default the configuration's.
        out: Where to write the episodes instead of the run's own place; the other files then go beside it.
        threads: Threads of the physics; any number gives the same result.

    Raises:
        ArtifactError: The policy is missing or damaged.
        ConfigError: The policy was trained with another configuration, or another number of episodes than the study's
            is asked for without `out`.
    """
    started = machine.now()
    policy = trained_policy(run, checkpoint)
    settings, task = run.config.evaluation, Task.of_run(run)
    count = episodes or settings.episodes
    if out is None and count != settings.episodes:
        raise ConfigError(
            "the run's own evaluation has the study's number of episodes",
            where="--episodes",
            got=count,
            expected=settings.episodes,
            fix="give --out FILE for another number",
        )
    cycle = GaitCycle(len(task.walker.joint_names))
    batch = task.evaluation_batch(count, settings.seconds, threads)
    evaluation = judge(roll_out(policy, batch, start_phases(count), cycle.watch), settings)
    summary = evaluation_summary(evaluation, checkpoint, policy.weights_sha256)
    episodes_file = out or run.episodes_file(checkpoint)
    cycle_file = out.with_name(f"{out.stem}-gait_cycle.parquet") if out else run.gait_cycle_file(checkpoint)
    summary_file = out.with_name(f"{out.stem}-summary.json") if out else run.summary_file(checkpoint)
    for file in (cycle_file, episodes_file, summary_file):
        artifacts.sweep(file.parent, file.name)
    artifacts.write_parquet(cycle_file, cycle.table(task.walker, task.reference))
    artifacts.write_parquet(episodes_file, episodes_table(evaluation))
    summary.write(summary_file)  # last: it says whose episodes they are
    if out is None:
        name = "evaluate" if checkpoint == "final" else f"evaluate-{checkpoint}"
        provenance.record(name, started, physics=threads).write(run.provenance_file(name))
    return summarize(evaluation)


def episodes_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return ``episodes.parquet``: one row per episode, what happened in it and the columns of all metrics."""
    episodes = evaluation.episodes
    happened = {
        "episode": np.arange(len(episodes.reason)),
        "start_phase": episodes.start_phase,
        "reason": _reasons(evaluation),
        "reference_speed_mps": np.full(len(episodes.reason), episodes.reference_speed_mps),
    }
    return pd.DataFrame(happened | columns(evaluation))


def evaluation_summary(evaluation: Evaluation, checkpoint: Checkpoint, weights_sha256: str) -> EvaluationSummary:
    """Return ``summary.json`` of a policy's evaluation."""
    summary, reasons = summarize(evaluation), _reasons(evaluation)
    return EvaluationSummary(
        checkpoint=checkpoint,
        weights_sha256=weights_sha256,
        episodes=summary.episodes,
        stable_episodes=summary.stable_episodes,
        stable_distance_m=evaluation.stable_distance_m,
        reference_speed_mps=evaluation.episodes.reference_speed_mps,
        ends={reason: reasons.count(reason) for reason in sorted(set(reasons))},
        metrics=metric_summaries(evaluation),
    )


def _reasons(evaluation: Evaluation) -> list[str]:
    return [evaluation.episodes.reasons[reason] for reason in evaluation.episodes.reason]


def trained_policy(run: Run, checkpoint: Checkpoint) -> Policy:
    """Load a policy of a run, after checking that the run's files and the policy belong together.

    Raises:
        ArtifactError: The policy is missing or damaged, or a file of the run was changed.
        ConfigError: The policy was trained with another configuration.
    """
    identity.verify(run)
    policy = Policy.load(run.policy_directory(checkpoint))
    if policy.about.get("fingerprint") != run.fingerprint:
        raise ConfigError(
            "the policy was trained with another configuration",
            where=run.policy_directory(checkpoint),
            got=policy.about.get("fingerprint"),
            expected=run.fingerprint,
            fix="mimicrl train this run again",
        )
    return policy
