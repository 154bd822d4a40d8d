"""The files of an evaluation: the table of its episodes, and their summary."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mimicrl.evaluation.metrics import Evaluation, columns, metric_summaries, summarize
from mimicrl.runs import Checkpoint
from mimicrl.runs.summary import EvaluationSummary


def episodes_table(evaluation: Evaluation) -> pd.DataFrame:
    """Return ``episodes.parquet``, one row per episode: how it started and ended, and the columns of all metrics."""
    episodes = evaluation.episodes
    happened = {
        "episode": np.arange(len(episodes.reason)),
        "start_phase": episodes.start_phase,
        "reason": episodes.reason_names,
        "reference_speed_mps": np.full(len(episodes.reason), episodes.reference_speed_mps),
    }
    return pd.DataFrame(happened | columns(evaluation))


def evaluation_summary(
    evaluation: Evaluation, protocol: str, checkpoint: Checkpoint, weights_sha256: str
) -> EvaluationSummary:
    """Return ``summary.json`` of a policy's evaluation."""
    summary, reasons = summarize(evaluation), evaluation.episodes.reason_names
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
