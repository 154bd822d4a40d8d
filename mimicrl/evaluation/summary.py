"""The content of ``summary.json``: what an evaluation came to, and how each figure is to be shown.

Whoever reads it needs no list of metrics: tables, figures and pages show what is in the file. It imports neither
MuJoCo, PyTorch nor pandas.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

REWARD, STABLE_SHARE, DURATION = "reward", "stable_share", "duration_s"
"""The metrics that have a part to play: the best policy is chosen by them, and learning curves show the first two."""

Better = Literal["higher", "lower", "none"]


class MetricSummary(BaseModel):
    """One metric of an evaluation; see `mimicrl.evaluation.metrics.base.Metric` for what the fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    value: float | None
    """None where it is not defined, such as a mean of nothing."""
    heading: str
    unit: str
    digits: NonNegativeInt
    scale: float
    better: Better
    meaning: str
    headline: bool
    target: str | None
    bounds: tuple[float, float] | None


class EvaluationSummary(BaseModel):
    """An evaluation of one policy after training."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    checkpoint: str
    weights_sha256: str
    episodes: PositiveInt
    stable_episodes: NonNegativeInt
    stable_distance_m: float
    """The net way forward [m] that an episode needed to be stable."""
    reference_speed_mps: float
    ends: dict[str, PositiveInt]
    """How many episodes ended for which reason."""
    metrics: tuple[MetricSummary, ...]

    @property
    def values(self) -> dict[str, float | None]:
        """The value of each metric by its name."""
        return {metric.name: metric.value for metric in self.metrics}
