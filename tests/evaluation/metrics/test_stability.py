"""An episode is stable when it went far enough, to the end, without a fall."""

from __future__ import annotations

import pytest
from evaluation.metrics.made_up import evaluation

from mimicrl.evaluation.metrics.stability import stable, stable_distance
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.terminations import DIVERGED, TIME, reasons
from mimicrl.protocols import Standard

FALL = reasons(MDPConfig().terminations).index("fall")
TRACKING = reasons(MDPConfig().terminations).index("tracking")


@pytest.mark.parametrize(
    ("speed", "seconds", "demand", "needed"),
    [
        (1.25, 20.0, 15.0, 15.0),
        (0.9375, 20.0, 15.0, 15.0),
        (0.9, 20.0, 15.0, 15.0),
        (0.899, 20.0, 15.0, 14.384),
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
    protocol = Standard(seconds=seconds, stable_distance_m=demand)
    assert stable_distance(speed, protocol) == pytest.approx(needed)


@pytest.mark.parametrize(
    ("reason", "distance", "expected"),
    [
        (TIME, 15.0, True),
        (TIME, 14.999, False),
        (TIME, -20.0, False),
        (FALL, 19.9, False),
        (DIVERGED, 19.9, False),
        (TRACKING, 19.9, False),
    ],
)
def test_stable_needs_the_way_and_the_whole_time_without_a_fall(reason: int, distance: float, expected: bool) -> None:
    assert stable(evaluation(reason=[reason] * 4, distance_m=[distance] * 4)).tolist() == [expected] * 4
