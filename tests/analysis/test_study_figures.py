"""A study's figures: which ones there are, and the arrays that they are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figures.panels import bands, lines, marks

from mimicrl.analysis import aggregate
from mimicrl.analysis.load import StudyResults, load_results
from mimicrl.analysis.study_figures import seed_curve, study_figures

Make = Callable[..., Path]


def test_each_experiment_with_a_finished_run_has_a_gait_figure(results: StudyResults, make_study: Make) -> None:
    assert list(study_figures(results)) == ["learning_curves", "final_evaluation", "gait_walk", "gait_torque"]
    assert study_figures(load_results(make_study({"walk": {1: "not evaluated"}}, name="unfinished"))) == {}


def test_curves_are_those_of_the_evaluations_and_three_seeds_have_an_interval(results: StudyResults) -> None:
    axes = study_figures(results)["learning_curves"].figure.axes
    for run in results.experiments["torque"]:
        table = run.evaluations
        thousand, minutes = (table["samples"] / 1e3).tolist(), (table["training_seconds"] / 60).tolist()
        assert (thousand, table["reward"].tolist()) in lines(axes[0])
        assert (minutes, (100 * table["stable_share"]).tolist()) in lines(axes[3])
    assert [bands(panel) for panel in axes] == [1, 1, 1, 1]  # walk's, not torque's


def test_the_final_evaluation_shows_what_the_tables_hold(results: StudyResults) -> None:
    axes = study_figures(results)["final_evaluation"].figure.axes
    runs, experiments = aggregate.runs_table(results), aggregate.experiments_table(results)
    shown = [metric for metric in results.metrics.values() if metric.headline]
    for panel, metric in zip(axes, shown, strict=True):
        for marker, status in (("o", "completed"), ("x", "diverged")):
            expected = metric.scale * runs.loc[runs["status"] == status, metric.name].to_numpy()
            assert sorted(x for x, _ in marks(panel, marker)) == sorted(expected), metric.name
    (bar,) = axes[1].patches
    low, high = experiments.loc[0, ["reward_ci_low", "reward_ci_high"]]
    assert bar.get_x() == pytest.approx(low)  # type: ignore[attr-defined]
    assert bar.get_width() == pytest.approx(high - low)  # type: ignore[attr-defined]


def test_a_diverged_run_ends_with_its_final_evaluation(results: StudyResults) -> None:
    completed, *_, diverged = [run for run in results.experiments["walk"] if run.finished]
    assert diverged.outcome is not None
    assert diverged.summary is not None
    curve = seed_curve(diverged)
    assert curve.samples[curve.diverged].tolist() == [diverged.outcome.samples]
    assert curve.reward[curve.diverged].tolist() == [diverged.summary.values["reward"]]
    assert len(curve.samples) == len(diverged.evaluations) + 1
    assert completed.outcome is not None
    curve = seed_curve(completed)
    assert curve.samples[curve.first_success].tolist() == [completed.outcome.first_success_samples]
    assert not curve.diverged.any()


def test_a_run_without_an_evaluation_shows_only_where_it_diverged(make_study: Make) -> None:
    results = load_results(make_study({"walk": {1: "diverged", 2: "completed"}}))
    for run in results.runs:
        pd.DataFrame().to_parquet(run.path / "evaluations.parquet")
    diverged, completed = map(seed_curve, results.runs)
    assert np.isfinite(diverged.seconds).tolist() == [True]
    assert len(completed.samples) == 0
    assert [len(marks(axes, "x")) for axes in study_figures(results)["learning_curves"].figure.axes] == [1, 1, 1, 1]


def test_a_run_of_an_earlier_version_has_no_times(make_study: Make) -> None:
    results = load_results(make_study({"walk": {1: "diverged"}}))
    file = results.runs[0].path / "evaluations.parquet"
    pd.read_parquet(file).drop(columns="training_seconds").to_parquet(file)
    assert np.isnan(seed_curve(results.runs[0]).seconds).all()
    assert study_figures(results)
