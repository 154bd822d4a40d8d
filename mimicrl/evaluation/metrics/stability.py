"""What makes an episode stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mimicrl.evaluation.metrics.base import EpisodeMetric, Evaluation
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.terminations import TIME

if TYPE_CHECKING:
    from mimicrl.evaluation.rollout import Episodes
    from mimicrl.protocols import Protocol

_SLOW_MPS, _SLOW_SHARE = 0.9, 0.8


def judge(episodes: Episodes, protocol: Protocol) -> Evaluation:
    """Return an evaluation: its episodes, and how far a stable one had to get under this protocol."""
    return Evaluation(episodes, stable_distance(episodes.reference_speed_mps, protocol))


def stable_distance(speed_mps: float, protocol: Protocol) -> float:
    """Return the net way forward [m] that makes an episode stable.

    References slower than 0.9 m/s, and episodes too short for the usual demand, need 80 % of the reference's own way.

    Args:
        speed_mps: The reference's speed.
        protocol: Length of an episode and the usual demand.
    """
    way_m, distance_m = speed_mps * protocol.seconds, protocol.stable_distance_m
    return distance_m if speed_mps >= _SLOW_MPS and way_m >= distance_m else _SLOW_SHARE * way_m


def stable(evaluation: Evaluation) -> np.ndarray:
    """Return which episodes ran to their end without a fall and got far enough, bool, shape ``(E,)``."""
    episodes = evaluation.episodes
    return (episodes.reason == TIME) & (episodes.distance_m >= evaluation.stable_distance_m)


class Stable(EpisodeMetric):
    """The share of stable episodes; in the table of episodes, ``stable``."""

    name, heading, unit, digits, scale = "stable_share", "Stable episodes", "%", 1, 100.0
    meaning = (
        "A stable episode lasts its whole time without a fall and gets as far as the study asks for, or "
        "80 % of the reference's own way where the reference is slower than 0.9 m/s or does not get that far."
    )
    better, headline, bounds, order = "higher", True, (0.0, 1.0), 10

    def of_episode(self, evaluation: Evaluation) -> Array:
        """Return whether the episode was stable."""
        return stable(evaluation)

    def columns(self, evaluation: Evaluation) -> dict[str, Array]:
        """Return which episodes were stable."""
        return {"stable": stable(evaluation)}
