"""What a metric is: one function of a step, of an episode or of an evaluation, and all that is needed to show it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mimicrl.geometry.rotations import Array
from mimicrl.runs.summary import Better, MetricSummary

if TYPE_CHECKING:
    from mimicrl.evaluation.rollout import Episodes
    from mimicrl.mdp.step import MimicBatch, StepResult


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The episodes of an evaluation, and how far a stable one had to get.

    Attributes:
        episodes: What happened in each of its E episodes.
        stable_distance_m: The net way forward that a stable one needs; see `metrics.stability`.
    """

    episodes: Episodes
    stable_distance_m: float


class Metric(ABC):
    """A figure of an evaluation. Derive from it, or from one of the two kinds below, and write one function.

    Attributes:
        name: The name of its columns, keys and curves, with the unit that its values have.
        heading: What people call it.
        meaning: One sentence that says what it is, and where it comes from.
        unit: The unit it is shown in.
        digits: Decimals it is shown with.
        scale: What a value is multiplied by to be shown.
        better: Which values are better.
        headline: Whether the short tables and the figure show it.
        target: The column of the runs' table that says which value would be right.
        bounds: The least and the largest value there can be, where a picture should show the whole range.
        order: Where it stands among the others; smaller numbers come first.
    """

    name: ClassVar[str]
    heading: ClassVar[str]
    meaning: ClassVar[str]
    unit: ClassVar[str] = ""
    digits: ClassVar[int] = 3
    scale: ClassVar[float] = 1.0
    better: ClassVar[Better] = "none"
    headline: ClassVar[bool] = False
    target: ClassVar[str | None] = None
    bounds: ClassVar[tuple[float, float] | None] = None
    order: ClassVar[int] = 100

    @abstractmethod
    def value(self, evaluation: Evaluation) -> float:
        """Return the figure of a whole evaluation."""

    def columns(self, evaluation: Evaluation) -> dict[str, Array]:
        """Return its columns of ``episodes.parquet``, shape ``(E,)`` each; by default none."""
        return {}

    def summaries(self, evaluation: Evaluation) -> tuple[MetricSummary, ...]:
        """Return what ``summary.json`` says of it: one entry, or one for each of several parts."""
        return (self.summary(self.value(evaluation)),)

    def summary(self, value: float, **changes: Any) -> MetricSummary:
        """Return an entry of ``summary.json``; `changes` replace attributes of the class."""
        shown = {key: getattr(self, key) for key in MetricSummary.model_fields if key not in {"value", *changes}}
        return MetricSummary(value=float(value) if math.isfinite(value) else None, **shown, **changes)


class EpisodeMetric(Metric):
    """A metric with a value for each episode; its figure is their mean."""

    @abstractmethod
    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the value of each episode, shape ``(E,)``."""

    def value(self, evaluation: Evaluation) -> float:
        """Return the mean over episodes."""
        return float(self.of_episode(evaluation).mean())

    def columns(self, evaluation: Evaluation) -> dict[str, Array]:
        """Return the value of each episode by the metric's name."""
        return {self.name: self.of_episode(evaluation)}


class StepMetric(EpisodeMetric):
    """A metric with a value for each step; an episode's value is their mean.

    Attributes:
        after_divergence: Whether the step in which the physics diverged counts too; its state is not to be trusted.
    """

    after_divergence: ClassVar[bool] = False

    @abstractmethod
    def of_step(self, step: StepResult, batch: MimicBatch) -> Array:
        """Return the value of each of N walkers after a step, shape ``(N,)``, or ``(N, K)`` for K parts."""

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the mean over each episode's steps, shape ``(E,)`` or ``(E, K)``."""
        return evaluation.episodes.means[self.name]
