"""How fast the walker is, and how fast it should be."""

from __future__ import annotations

from mimicrl.evaluation.metrics.base import EpisodeMetric, Evaluation, Metric
from mimicrl.geometry.rotations import Array


class Speed(EpisodeMetric):
    """The speed forward."""

    name, heading, unit, digits = "speed_mps", "Speed", "m/s", 2
    meaning = "The net way forward over the time it took; its target is the reference's speed."
    headline, target, order = True, "reference_speed_mps", 30

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the distance over the duration [m/s]."""
        return evaluation.episodes.distance_m / evaluation.episodes.duration_s


class SpeedError(Metric):
    """How far the mean speed is from the reference's."""

    name, heading, unit, digits, scale = "speed_error", "Speed error", "%", 1, 100.0
    meaning = "The difference between the mean speed and the reference's, as a share of the reference's."
    better, order = "lower", 31

    def value(self, evaluation: Evaluation) -> float:
        """Return the error of the mean speed; faster and slower episodes cancel."""
        reference = evaluation.episodes.reference_speed_mps
        return abs(Speed().value(evaluation) - reference) / max(abs(reference), 1e-9)
