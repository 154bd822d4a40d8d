"""Evaluating a policy, and what the results are written down as: tables, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mimicrl.envs.task import Task
from mimicrl.evaluation.gait_cycle import GaitCycle
from mimicrl.evaluation.metrics import Evaluation, Summary, columns, judge, metric_summaries, summarize
from mimicrl.evaluation.rollout import roll_out
from mimicrl.policy import Policy
from mimicrl.protocols import STANDARD, Protocol
from mimicrl.runs import Checkpoint
from mimicrl.runs.summary import EvaluationSummary


@dataclass(frozen=True, eq=False)
class Results:
    """An evaluation of a policy.

    Attributes:
        episodes: One row per episode, ``episodes.parquet``.
        gait_cycle: Joint angles over the gait cycle, ``gait_cycle.parquet``.
        summary: What they come to, ``summary.json``.
        brief: The same for a line on the terminal.
    """

    episodes: pd.DataFrame
    gait_cycle: pd.DataFrame
    summary: EvaluationSummary
    brief: Summary


def evaluate_policy(
    policy: Policy,
    task: Task,
    protocol: Protocol,
    *,
    name: str = STANDARD,
    checkpoint: Checkpoint = "final",
    threads: int = 1,
) -> Results:
    """Evaluate a policy.

    Args:
        policy: The policy.
        task: What it was trained for.
        protocol: How it is evaluated.
        name: The protocol's name.
        checkpoint: Which of a run's policies it is.
        threads: Threads of the physics; any number gives the same result.
    """
    batch = task.evaluation_batch(protocol.episodes, protocol.seconds, threads)
    cycle = GaitCycle(len(task.walker.joint_names))
    evaluation = judge(roll_out(policy, batch, protocol.start_phases(), cycle.watch), protocol)
    return Results(
        episodes_table(evaluation),
        cycle.table(task.walker, task.reference),
        evaluation_summary(evaluation, name, checkpoint, policy.weights_sha256),
        summarize(evaluation),
    )


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


def evaluation_summary(
    evaluation: Evaluation, protocol: str, checkpoint: Checkpoint, weights_sha256: str
) -> EvaluationSummary:
    """Return ``summary.json`` of a policy's evaluation."""
    summary, reasons = summarize(evaluation), _reasons(evaluation)
    return EvaluationSummary(
        protocol=protocol,
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
