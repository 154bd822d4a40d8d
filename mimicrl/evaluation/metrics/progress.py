"""How far the walker gets, how long it lasts, and whether it stays on its line."""

from __future__ import annotations

import numpy as np

from mimicrl.evaluation.metrics.base import EpisodeMetric, Evaluation
from mimicrl.geometry.rotations import Array


class Distance(EpisodeMetric):
    """The net way forward."""

    name, heading, unit, digits = "distance_m", "Distance", "m", 2
    meaning = "The net way forward along the line."
    order = 60

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the distance [m]."""
        return evaluation.episodes.distance_m


class Duration(EpisodeMetric):
    """The length of an episode."""

    name, heading, unit, digits = "duration_s", "Duration", "s", 2
    meaning = "How long an episode lasted; it ends with its time, by a fall or where the physics diverges."
    better, order = "higher", 61

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the duration [s]."""
        return evaluation.episodes.duration_s


class LateralDrift(EpisodeMetric):
    """The distance from the line at the end; in the table of episodes it is positive to the left."""

    name, heading, unit, digits = "lateral_drift_m", "Lateral drift", "m", 2
    meaning = "The distance from the line at the end of an episode, to either side."
    better, order = "lower", 62

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return the place beside the line [m], left positive."""
        return evaluation.episodes.lateral_drift_m

    def value(self, evaluation: Evaluation) -> float:
        """Return the mean distance: drifts to the left and to the right do not cancel."""
        return float(np.abs(self.of_episode(evaluation)).mean())
