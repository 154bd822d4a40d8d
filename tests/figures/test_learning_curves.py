"""Learning curves show each seed's evaluations, where training succeeded or diverged, and what seeds have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysis.panels import bands, labels, lines, marks
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from mimicrl.analysis.learning_curves import learning_curves, mean_curve
from mimicrl.analysis.study import StudyResults, load

from mimicrl.analysis import figures


def test_each_seed_is_drawn_over_samples_and_over_wall_time(results: StudyResults) -> None:
    (reward_samples, reward_time), (stable_samples, stable_time) = np.reshape(
        np.array(learning_curves(results).axes), (2, 2)
    )
    for run in results.experiments["torque"]:
        table = run.evaluations
        thousand, minutes = (table["samples"] / 1e3).tolist(), (table["training_seconds"] / 60).tolist()
        reward, share = table["reward"].tolist(), (100 * table["stable_share"]).tolist()
        assert (thousand, reward) in lines(reward_samples)
        assert (minutes, reward) in lines(reward_time)
        assert (thousand, share) in lines(stable_samples)
        assert (minutes, share) in lines(stable_time)


def test_first_successes_and_ends_by_divergence_are_marked_where_they_were(results: StudyResults) -> None:
    axes = learning_curves(results).axes[0]
    finished = [run for run in results.runs if run.outcome is not None]
    first = [run.outcome.first_success_samples / 1e3 for run in finished if run.status == "completed"]
    assert sorted(x for x, _ in marks(axes, "o")) == sorted(first)
    (diverged,) = [run for run in finished if run.status == "diverged"]
    assert marks(axes, "x") == [(diverged.outcome.samples / 1e3, diverged.summary.values["reward"])]


def test_only_three_seeds_have_an_interval(results: StudyResults) -> None:
    assert [bands(axes) for axes in learning_curves(results).axes] == [1, 1, 1, 1]  # walk's, not torque's


def test_the_legend_names_only_what_is_drawn(results: StudyResults, make_study: Callable[..., Path]) -> None:
    assert labels(learning_curves(results)) == ["walk", "torque", "first success", "diverged"]
    never = {("walk", 1): {"first_success_samples": None}}
    calm = load(make_study({"walk": {1: "completed"}}, name="calm", figures=never))
    assert labels(learning_curves(calm)) == ["walk"]


def test_a_run_without_an_evaluation_shows_only_where_it_diverged(make_study: Callable[..., Path]) -> None:
    results = load(make_study({"walk": {1: "diverged", 2: "completed"}}))
    for run in results.runs:
        pd.DataFrame().to_parquet(run.path / "evaluations.parquet")
    figure = learning_curves(results)
    assert [len(marks(axes, "x")) for axes in figure.axes] == [1, 1, 1, 1]
    assert figures.figure_bytes(figure, "svg")


def test_a_run_of_an_earlier_version_without_times_is_drawn_over_samples_only(make_study: Callable[..., Path]) -> None:
    results = load(make_study({"walk": {1: "completed", 2: "diverged", 3: "completed"}}))
    for run in results.runs[:2]:
        table = run.evaluations.drop(columns="training_seconds")
        table.to_parquet(run.path / "evaluations.parquet")
    figure = learning_curves(load(results.directory))
    over_samples, over_time = figure.axes[0], figure.axes[1]
    assert [len(lines(axes)) for axes in (over_samples, over_time)] == [3 + 1, 1 + 1]
    assert [len(marks(axes, "x")) for axes in (over_samples, over_time)] == [1, 0]
    assert figures.figure_bytes(figure, "svg")


@pytest.mark.parametrize(("budget", "label"), [(400_000, "samples [thousand]"), (8_000_000, "samples [million]")])
def test_samples_are_counted_in_numbers_that_can_be_read(
    make_study: Callable[..., Path], budget: int, label: str
) -> None:
    axes = learning_curves(load(make_study(budget=budget))).axes[2]
    assert axes.get_xlabel() == label
    assert axes.get_xlim()[1] < 1000


def test_experiments_can_be_told_apart_and_long_names_leave_the_panels_their_room(
    make_study: Callable[..., Path],
) -> None:
    names = [f"{'a-long-name-of-an-experiment-' * (k % 2)}{k}" for k in range(14)]
    figure = learning_curves(load(make_study({name: {1: "completed"} for name in names})))
    (legend,) = figure.legends
    looks = {(to_hex(line.get_color()), str(line.get_linestyle())) for line in legend.get_lines()[: len(names)]}
    assert len(looks) == len(names)
    figure.draw_without_rendering()
    assert min(axes.get_window_extent().height for axes in figure.axes) > 1.2 * figure.dpi


values = st.lists(st.floats(-10, 10), min_size=4, max_size=4)


@given(st.lists(values, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter_to_their_mean_curve(seeds: list[list[float]], random) -> None:
    curves = [(np.arange(4.0), np.array(seed)) for seed in seeds]
    found = mean_curve(curves)
    random.shuffle(curves)
    again = mean_curve(curves)
    assert all(np.array_equal(found[key], again[key], equal_nan=True) for key in found)
    if len(seeds) < 3:
        assert np.isnan(found["low"]).all() and np.isnan(found["high"]).all()
    else:
        assert (found["low"] <= found["iqm"] + 1e-12).all() and (found["iqm"] <= found["high"] + 1e-12).all()


def test_the_mean_of_equal_curves_is_that_curve_though_they_were_measured_at_other_places() -> None:
    places = [np.linspace(1, 9, n) for n in (5, 7, 150, 170)]
    found = mean_curve([(x, 2 * x - 3) for x in places])
    for key in ("iqm", "low", "high"):
        np.testing.assert_allclose(found[key], 2 * found["x"] - 3, atol=1e-9)
    assert (found["x"][0], found["x"][-1]) == (1, 9)
    assert len(found["x"]) <= 201


def test_equal_places_are_kept_and_nothing_is_said_before_all_have_begun() -> None:
    late, early = np.array([20.0, 30.0, 40.0]), np.array([10.0, 20.0, 30.0, 40.0])
    found = mean_curve([(late, late), (early, 3 * early)])
    assert found["x"].tolist() == [20, 30, 40]
    assert found["iqm"].tolist() == [40, 60, 80]


def test_a_seed_that_has_ended_keeps_its_last_value() -> None:
    found = mean_curve([(np.array([1.0, 2.0]), np.array([0.0, 5.0])), (np.array([1.0, 4.0]), np.zeros(2))])
    assert found["iqm"][-1] == pytest.approx(2.5)
