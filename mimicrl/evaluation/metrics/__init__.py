"""Metrics of an evaluation: each class in a file of this folder is one.

Episodes, summaries, logs, tables, figures and the report show all classes that they find here. No list names them.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

from mimicrl import discovery
from mimicrl.evaluation.metrics.base import EpisodeMetric, Evaluation, Metric, StepMetric
from mimicrl.evaluation.metrics.stability import judge, stable
from mimicrl.geometry.rotations import Array
from mimicrl.runs.summary import DURATION, REWARD, STABLE_SHARE, MetricSummary

__all__ = [
    "EpisodeMetric",
    "Evaluation",
    "Metric",
    "StepMetric",
    "Summary",
    "columns",
    "found",
    "judge",
    "metric_summaries",
    "stable",
    "summarize",
]


@functools.cache
def found() -> tuple[Metric, ...]:
    """Return the metrics of this folder, ordered by their `order`, then by file and place in the file."""
    classes = discovery.classes(Metric, *discovery.modules(__name__))
    metrics = tuple(metric() for metric in sorted(classes, key=lambda metric: metric.order))  # type: ignore[abstract]
    for name, count in Counter(metric.name for metric in metrics).items():
        if count > 1:
            raise TypeError(f"{count} metrics of {__name__} have the name {name}")
    return metrics


@dataclass(frozen=True)
class Summary:
    """The numbers of an evaluation, as training uses them; `EvaluationSummary` also says how to show each.

    Attributes:
        episodes: Number of episodes.
        stable_episodes: Number of stable ones.
        values: The value of each metric by its name; None where it is not defined.
    """

    episodes: int
    stable_episodes: int
    values: dict[str, float | None]

    def __post_init__(self) -> None:
        lacking = {REWARD, DURATION} - self.values.keys()
        if lacking:  # for example in a damaged checkpoint
            raise ValueError(f"no value of {', '.join(sorted(lacking))}")

    @property
    def all_stable(self) -> bool:
        """Whether every episode was stable."""
        return self.stable_episodes == self.episodes

    @property
    def score(self) -> tuple[int, float]:
        """What the best policy has most of: stable episodes, then imitation reward.

        The reward is multiplied by the length of the episodes. Otherwise a walker that falls at once would score well.
        For the same reason a negative reward, which penalties can cause, is divided by the length.
        """
        reward, duration_s = self.values[REWARD] or 0.0, self.values[DURATION] or 0.0
        return self.stable_episodes, reward * duration_s if reward >= 0 else reward / max(duration_s, 1e-9)

    def describe(self) -> str:
        """Return the headline metrics in one line."""
        parts = [f"{self.stable_episodes} of {self.episodes} episodes stable"]
        for metric in found():
            value = self.values.get(metric.name)
            if metric.headline and metric.name != STABLE_SHARE and value is not None:
                parts.append(
                    f"{metric.heading.lower()} {metric.scale * value:.{metric.digits}f} {metric.unit}".rstrip()
                )
        return ", ".join(parts)

    def as_dict(self) -> dict[str, float]:
        """Return all numbers by name, without those that are not defined."""
        values = {name: value for name, value in self.values.items() if value is not None}
        return {"stable_episodes": self.stable_episodes, "episodes": self.episodes, **values}


def metric_summaries(evaluation: Evaluation) -> tuple[MetricSummary, ...]:
    """Return the value of each metric, and how it is shown."""
    return tuple(summary for metric in found() for summary in metric.summaries(evaluation))


def summarize(evaluation: Evaluation) -> Summary:
    """Return an evaluation in numbers."""
    values = {summary.name: summary.value for summary in metric_summaries(evaluation)}
    return Summary(len(evaluation.episodes.reason), int(stable(evaluation).sum()), values)


def columns(evaluation: Evaluation) -> dict[str, Array]:
    """Return the metrics' columns of ``episodes.parquet``, shape ``(E,)`` each."""
    return {name: values for metric in found() for name, values in metric.columns(evaluation).items()}
