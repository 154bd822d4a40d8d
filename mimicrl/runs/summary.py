"""The content of ``summary.json``: the metrics of an evaluation, and how to show each of them.

A reader needs no list of metrics: tables, figures and pages show all metrics in the file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from mimicrl.runs.record import Record

REWARD, STABLE_SHARE, DURATION = "reward", "stable_share", "duration_s"
"""Metrics that the program uses by name: they decide which policy is best, and learning curves show the first two."""

Better = Literal["higher", "lower", "none"]


class MetricSummary(Record):
    """One metric of an evaluation; see `mimicrl.evaluation.metrics.base.Metric` for what the fields mean."""

    name: str
    value: float | None
    """None if it is not defined, such as a mean of nothing."""
    heading: str
    unit: str
    digits: NonNegativeInt
    scale: float
    better: Better
    meaning: str
    headline: bool
    target: str | None
    bounds: tuple[float, float] | None = Field(strict=False)


class EvaluationSummary(Record):
    """``summary.json``: an evaluation of one policy after training."""

    MADE_BY = "mimicrl evaluate"

    protocol: str = "standard"
    checkpoint: str
    weights_sha256: str
    episodes: PositiveInt
    stable_episodes: NonNegativeInt
    stable_distance_m: float
    """The net way forward [m] that an episode needed to be stable."""
    reference_speed_mps: float
    ends: dict[str, PositiveInt]
    """How many episodes ended for which reason."""
    metrics: tuple[MetricSummary, ...] = Field(strict=False)

    @property
    def values(self) -> dict[str, float | None]:
        """The value of each metric by its name."""
        return {metric.name: metric.value for metric in self.metrics}
