"""The final evaluation shows what the tables hold, a mark a seed, and says which seeds are missing."""

from __future__ import annotations

import pytest
from analysis.panels import labels, marks
from matplotlib.collections import LineCollection
from mimicrl.analysis.final_evaluation import final_evaluation
from mimicrl.analysis.study import StudyResults

from mimicrl.analysis import aggregate

MARKS = ("o", "x")


def test_the_dots_are_the_seeds_values_and_crosses_the_diverged_ones(results: StudyResults) -> None:
    figure = final_evaluation(results)
    runs = aggregate.runs_table(results)
    shown = [metric for metric in results.metrics.values() if metric.headline]
    for axes, metric in zip(figure.axes, shown, strict=True):
        for marker, status in zip(MARKS, ("completed", "diverged"), strict=True):
            expected = metric.scale * runs.loc[runs["status"] == status, metric.name].to_numpy()
            assert sorted(x for x, _ in marks(axes, marker)) == sorted(expected), metric.name


def test_only_three_seeds_have_a_bar_and_it_is_their_interval(results: StudyResults) -> None:
    row = aggregate.experiments_table(results).iloc[0]
    (bar,) = final_evaluation(results).axes[1].patches
    assert bar.get_x() == pytest.approx(row["reward_ci_low"])
    assert bar.get_x() + bar.get_width() == pytest.approx(row["reward_ci_high"])


def test_missing_seeds_are_named_and_target_speeds_drawn(results: StudyResults) -> None:
    figure = final_evaluation(results)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["walk\nseed 4 missing", "torque", "none\nseed 1 missing"]
    targets = [c.get_segments()[0][0][0] for c in figure.axes[2].collections if isinstance(c, LineCollection)]
    assert targets.count(1.25) == 2
    assert labels(figure) == ["one seed", "diverged seed", "IQM, 95 % interval", "target"]


def test_seeds_of_equal_value_do_not_hide_each_other(results: StudyResults) -> None:
    places = marks(final_evaluation(results).axes[0], "o")
    assert len(set(places)) == len(places) == 4
