"""Metrics: an episode is stable when it went far enough, to the end, without a fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimicrl.evaluation.metrics import episodes_table, stable, stable_distance, summarize
from mimicrl.evaluation.rollout import Episodes
from mimicrl.mdp.terminations import Reason

JOINTS = ("hip_r", "hip_l")


def episodes(**changes: Any) -> Episodes:
    """Four good episodes of 20 s at 1 m/s."""
    ones = np.ones(4)
    fields: dict[str, Any] = {
        "start_phase": np.arange(4) / 4,
        "duration_s": 20 * ones,
        "reason": np.full(4, Reason.TIME),
        "distance_m": 20 * ones,
        "lateral_drift_m": np.array([0.5, -0.5, 0.1, -0.1]),
        "reward": 0.8 * ones,
        "terms": np.full((4, 4), 0.2),
        "joint_error_rad": np.full((4, 2), np.pi / 180),
        "upright": 0.99 * ones,
    }
    return Episodes(**fields | {key: np.asarray(value) for key, value in changes.items()})


@pytest.mark.parametrize(
    ("speed", "seconds", "demand", "needed"),
    [
        (1.25, 20.0, 15.0, 15.0),
        (0.9375, 20.0, 15.0, 15.0),
        (0.9, 20.0, 15.0, 15.0),
        (0.899, 20.0, 15.0, 14.384),
        (0.84, 20.0, 15.0, 13.44),
        (0.84, 20.0, 2.0, 13.44),
        (0.5, 20.0, 15.0, 8.0),
        (0.5, 60.0, 15.0, 24.0),
        (1.0, 15.0, 15.0, 15.0),
        (1.0, 14.9, 15.0, 11.92),
        (1.25, 2.0, 15.0, 2.0),
        (1.25, 20.0, 5.0, 5.0),
    ],
)
def test_slow_references_and_short_episodes_need_80_percent_of_their_way(
    speed: float, seconds: float, demand: float, needed: float
) -> None:
    assert stable_distance(speed, seconds, demand) == pytest.approx(needed)


@pytest.mark.parametrize(
    ("reason", "distance", "expected"),
    [
        (Reason.TIME, 15.0, True),
        (Reason.TIME, 30.0, True),
        (Reason.TIME, 14.999, False),
        (Reason.TIME, -20.0, False),
        (Reason.FALL, 19.9, False),
        (Reason.DIVERGED, 19.9, False),
        (Reason.TRACKING, 19.9, False),
        (Reason.FALL, 1.0, False),
    ],
)
def test_stable_needs_the_way_and_the_whole_time_without_a_fall(
    reason: Reason, distance: float, expected: bool
) -> None:
    result = stable(episodes(reason=[reason] * 4, distance_m=[distance] * 4), 15.0)
    assert result.tolist() == [expected] * 4


def test_the_summary_is_means_over_episodes() -> None:
    summary = summarize(episodes(distance_m=[10.0, 20.0, 30.0, 40.0]), 15.0, 1.0)
    assert (summary.stable, summary.episodes, summary.all_stable) == (3, 4, False)
    assert summary.distance_m == pytest.approx(25) and summary.speed_mps == pytest.approx(1.25)
    assert summary.speed_error == pytest.approx(0.25)
    assert summary.joint_error_deg == pytest.approx(1.0)
    assert summary.lateral_drift_m == pytest.approx(0.3), "drifts to the left and to the right must not cancel"
    assert summary.score == (3, summary.imitation_reward * 20)
    assert "stable 3/4" in summary.describe() and "25 % off" in summary.describe()


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"reward": [0.5] * 4}, {"reward": [0.6] * 4, "reason": [1, 1, 1, Reason.FALL]}),
        ({"reward": [0.6] * 4}, {"reward": [0.5] * 4}),
        # All fall: who walks for long is better than who is close to the reference, and soon on the floor.
        (
            {"reason": [Reason.FALL] * 4, "reward": [0.5] * 4, "duration_s": [10.0] * 4},
            {"reason": [Reason.FALL] * 4, "reward": [0.9] * 4, "duration_s": [1.0] * 4},
        ),
    ],
    ids=["more stable", "more reward", "longer"],
)
def test_a_better_policy_has_the_higher_score(better: dict[str, Any], worse: dict[str, Any]) -> None:
    high, low = (summarize(episodes(**changes), 15.0, 1.0).score for changes in (better, worse))
    assert high > low


def test_all_stable_means_every_one() -> None:
    assert summarize(episodes(), 15.0, 1.0).all_stable
    assert not summarize(episodes(reason=[1, 1, 1, Reason.FALL]), 15.0, 1.0).all_stable


def test_speed_is_the_way_over_each_episodes_own_time() -> None:
    summary = summarize(episodes(duration_s=[1, 2, 4, 5], distance_m=[1.0, 2.0, 4.0, 5.0]), 15.0, 1.0)
    assert summary.speed_mps == pytest.approx(1.0) and summary.speed_error == pytest.approx(0.0)


def test_the_table_has_a_row_an_episode() -> None:
    table = episodes_table(episodes(reason=[1, 3, 4, 1]), 15.0, 1.25, JOINTS)
    assert list(table.columns) == [
        "episode",
        "start_phase",
        "distance_m",
        "speed_mps",
        "reference_speed_mps",
        "duration_s",
        "reason",
        "stable",
        "reward",
        "reward_pose",
        "reward_velocity",
        "reward_end_effector",
        "reward_root",
        "error_hip_r_rad",
        "error_hip_l_rad",
        "upright",
        "lateral_drift_m",
    ]
    assert table["episode"].tolist() == [0, 1, 2, 3]
    assert table["reason"].tolist() == ["time", "fall", "diverged", "time"]
    assert table["stable"].tolist() == [True, False, False, True]
    assert table["lateral_drift_m"].tolist() == [0.5, -0.5, 0.1, -0.1], "the table keeps the side"
