"""Metrics are found, each is described, and an evaluation is summed up by all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluation.metrics.made_up import JOINTS, REWARDS, evaluation

from mimicrl.evaluation.metrics import found, metric_summaries, summarize
from mimicrl.evaluation.results import episodes_table, evaluation_summary
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.terminations import DIVERGED, TIME, reasons

FALL = reasons(MDPConfig().terminations).index("fall")


@pytest.mark.parametrize("metric", found(), ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is(metric: Any) -> None:
    for summary in metric.summaries(evaluation()):
        assert summary.heading[0].isupper()
        assert summary.meaning.endswith(".")
        assert summary.value is not None


def test_no_two_metrics_and_no_two_columns_have_one_name_and_they_come_in_one_order() -> None:
    names = [summary.name for summary in metric_summaries(evaluation())]
    assert len(set(names)) == len(names)
    columns = [name for metric in found() for name in metric.columns(evaluation())]
    assert len(set(columns)) == len(columns)
    orders = [metric.order for metric in found()]
    assert orders == sorted(orders)


def test_a_summary_is_means_over_episodes() -> None:
    summary = summarize(evaluation(distance_m=[10.0, 20.0, 30.0, 40.0]))
    assert (summary.stable_episodes, summary.episodes) == (3, 4)
    assert not summary.all_stable
    assert summarize(evaluation()).all_stable
    expected = {
        "stable_share": 0.75,
        "distance_m": 25.0,
        "speed_mps": 1.25,
        "speed_error": 0.25,
        "joint_error_deg": 1.0,
        "lateral_drift_m": 0.3,  # drifts to the left and to the right do not cancel
        **{f"reward_{name}": 0.2 for name in REWARDS},
    }
    assert {name: summary.values[name] for name in expected} == pytest.approx(expected)
    assert summary.score == (3, 0.6 * 20)
    assert "3 of 4 episodes stable" in summary.describe()


def test_speed_is_the_way_over_each_episodes_own_time() -> None:
    summary = summarize(evaluation(duration_s=[1, 2, 4, 5], distance_m=[1.0, 2.0, 4.0, 5.0]))
    assert summary.values["speed_mps"] == pytest.approx(1.0)
    assert summary.values["speed_error"] == pytest.approx(0.0)


def test_a_value_that_is_not_defined_is_none_and_left_out_of_logs() -> None:
    summary = summarize(evaluation(upright=[np.nan, 1, 1, 1]))
    assert summary.values["upright"] is None
    assert "upright" not in summary.as_dict()


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"reward": [0.5] * 4}, {"reward": [0.6] * 4, "reason": [1, 1, 1, FALL]}),
        ({"reward": [0.6] * 4}, {"reward": [0.5] * 4}),
        # All fall: who walks for long is better than who is close to the reference, and soon on the floor.
        (
            {"reason": [FALL] * 4, "reward": [0.5] * 4, "duration_s": [10.0] * 4},
            {"reason": [FALL] * 4, "reward": [0.9] * 4, "duration_s": [1.0] * 4},
        ),
    ],
    ids=["more stable", "more reward", "longer"],
)
def test_a_better_policy_has_the_higher_score(better: dict[str, Any], worse: dict[str, Any]) -> None:
    high, low = (summarize(evaluation(**changes)) for changes in (better, worse))
    assert high.score > low.score


def test_the_table_has_one_row_per_episode() -> None:
    table = episodes_table(evaluation(reason=[TIME, FALL, DIVERGED, TIME]))
    assert table["episode"].tolist() == [0, 1, 2, 3]
    assert table["reason"].tolist() == ["time", "fall", "diverged", "time"]
    assert table["stable"].tolist() == [True, False, False, True]
    assert table["lateral_drift_m"].tolist() == [0.5, -0.5, 0.1, -0.1], "the table keeps the side"
    assert {f"reward_{name}" for name in REWARDS} | {f"error_{name}_rad" for name in JOINTS} <= set(table)


def test_the_file_says_what_the_summary_says() -> None:
    found_here = evaluation(reason=[TIME, FALL, FALL, TIME])
    record, summary = evaluation_summary(found_here, "standard", "final", "abc"), summarize(found_here)
    assert record.values == summary.values
    assert (record.episodes, record.stable_episodes) == (summary.episodes, summary.stable_episodes)
    assert record.ends == {"fall": 2, "time": 2}
    assert type(record).model_validate_json(record.model_dump_json()) == record
