"""Figures show what the tables hold, look the same on every machine, and say what is not there."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mimicrl.analysis import aggregate, figures
from mimicrl.analysis.study import StudyResults, load

MIXED = {
    "walk": {1: "completed", 2: "completed", 3: "diverged", 4: "not trained"},
    "torque": {1: "completed", 2: "completed"},
    "none": {1: "no directory"},
}
MARKS = ("o", "x")


@pytest.fixture
def mixed(make_study: Callable[..., Path]) -> StudyResults:
    return load(make_study(MIXED))


def lines(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """The curves of a panel, without markers."""
    return [points(line) for line in axes.lines if line.get_marker() == "None"]


def marks(axes: Axes, marker: str) -> list[tuple[float, float]]:
    """The places of a marker in a panel."""
    found = [points(line) for line in axes.lines if line.get_marker() == marker]
    return [place for x, y in found for place in zip(x, y, strict=True)]


def points(line) -> tuple[list[float], list[float]]:
    return np.asarray(line.get_xdata(), float).tolist(), np.asarray(line.get_ydata(), float).tolist()


def labels(figure: Figure) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def bands(axes: Axes) -> int:
    """How many bands of a panel cover anything."""
    fills = [c for c in axes.collections if not isinstance(c, LineCollection)]
    return sum(bool(np.isfinite(path.vertices).all() and len(path.vertices)) for c in fills for path in c.get_paths())


def cycle(joints: tuple[str, ...] = ("knee_flexion_r", "knee_flexion_l"), **columns: float) -> pd.DataFrame:
    phase = np.linspace(0, 1, 101)
    tables = [
        pd.DataFrame({"joint": joint, "phase": phase, "reference_rad": 0.3 * np.sin(6 * phase + k), **columns})
        for k, joint in enumerate(joints)
    ]
    return pd.concat(tables, ignore_index=True)


# --- bytes ---


def test_equal_data_give_equal_bytes_whatever_the_users_matplotlibrc_says(mixed: StudyResults, tmp_path: Path) -> None:
    first = figures.figure_files(figures.study_figures(mixed))
    copy = load(shutil.copytree(mixed.directory, tmp_path / "elsewhere"))
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "svg.fonttype": "path", "axes.grid": False}):
        assert figures.figure_files(figures.study_figures(copy)) == first


def test_files_tell_neither_time_nor_tool(mixed: StudyResults) -> None:
    files = figures.figure_files({"x": figures.final_evaluation(mixed)})
    assert files.keys() == {"x.svg", "x.png", "x.pdf"}
    assert [files["x.png"][:4], files["x.pdf"][:4], files["x.svg"][:5]] == [b"\x89PNG", b"%PDF", b"<?xml"]
    for data in files.values():
        assert re.findall(rb"dc:date|CreationDate|Software|matplotlib v", data, re.IGNORECASE) == []


def test_drawing_leaves_matplotlibs_parameters_alone(mixed: StudyResults) -> None:
    before = dict(matplotlib.rcParams)
    figures.figure_files({"x": figures.learning_curves(mixed)})
    assert dict(matplotlib.rcParams) == before


def test_a_study_has_a_gait_figure_for_each_experiment_with_a_finished_run(mixed: StudyResults) -> None:
    assert list(figures.study_figures(mixed)) == ["learning_curves", "final_evaluation", "gait_walk", "gait_torque"]


def test_without_a_finished_run_there_is_nothing_to_draw(make_study: Callable[..., Path]) -> None:
    assert figures.study_figures(load(make_study({"walk": {1: "not evaluated"}}))) == {}


# --- learning curves ---


def test_each_seed_is_drawn_over_samples_and_over_wall_time(mixed: StudyResults) -> None:
    (reward_samples, reward_time), (stable_samples, stable_time) = np.reshape(
        np.array(figures.learning_curves(mixed).axes), (2, 2)
    )
    for run in mixed.experiments["torque"]:
        table = run.evaluations
        thousand, minutes = (table["samples"] / 1e3).tolist(), (table["training_seconds"] / 60).tolist()
        reward, share = table["imitation_reward"].tolist(), (100 * table["stable"] / table["episodes"]).tolist()
        assert (thousand, reward) in lines(reward_samples)
        assert (minutes, reward) in lines(reward_time)
        assert (thousand, share) in lines(stable_samples)
        assert (minutes, share) in lines(stable_time)


def test_first_successes_and_ends_by_divergence_are_marked_where_they_were(mixed: StudyResults) -> None:
    axes = figures.learning_curves(mixed).axes[0]
    finished = [run for run in mixed.runs if run.outcome is not None]
    first = [run.outcome["first_success_samples"] / 1e3 for run in finished if run.status == "completed"]
    assert sorted(x for x, _ in marks(axes, "o")) == sorted(first)
    (diverged,) = [run for run in finished if run.status == "diverged"]
    reward = aggregate.figures(diverged.episodes)["reward"]
    assert marks(axes, "x") == [(diverged.outcome["samples"] / 1e3, reward)]


def test_only_three_seeds_have_an_interval(mixed: StudyResults) -> None:
    assert [bands(axes) for axes in figures.learning_curves(mixed).axes] == [1, 1, 1, 1]  # walk's, not torque's


def test_the_legend_names_only_what_is_drawn(mixed: StudyResults, make_study: Callable[..., Path]) -> None:
    assert labels(figures.learning_curves(mixed)) == ["walk", "torque", "first success", "diverged"]
    never = {("walk", 1): {"first_success_samples": None}}
    calm = load(make_study({"walk": {1: "completed"}}, name="calm", figures=never))
    assert labels(figures.learning_curves(calm)) == ["walk"]


def test_a_run_without_an_evaluation_shows_only_where_it_diverged(make_study: Callable[..., Path]) -> None:
    results = load(make_study({"walk": {1: "diverged", 2: "completed"}}))
    for run in results.runs:
        pd.DataFrame().to_parquet(run.path / "evaluations.parquet")
    figure = figures.learning_curves(results)
    assert [len(marks(axes, "x")) for axes in figure.axes] == [1, 1, 1, 1]
    assert figures.figure_bytes(figure, "svg")


@pytest.mark.parametrize(("budget", "label"), [(400_000, "samples [thousand]"), (8_000_000, "samples [million]")])
def test_samples_are_counted_in_numbers_that_can_be_read(
    make_study: Callable[..., Path], budget: int, label: str
) -> None:
    axes = figures.learning_curves(load(make_study(budget=budget))).axes[2]
    assert axes.get_xlabel() == label
    assert axes.get_xlim()[1] < 1000


def test_experiments_can_be_told_apart_and_long_names_leave_the_panels_their_room(
    make_study: Callable[..., Path],
) -> None:
    names = [f"{'a-long-name-of-an-experiment-' * (k % 2)}{k}" for k in range(14)]
    figure = figures.learning_curves(load(make_study({name: {1: "completed"} for name in names})))
    (legend,) = figure.legends
    looks = {(to_hex(line.get_color()), str(line.get_linestyle())) for line in legend.get_lines()[: len(names)]}
    assert len(looks) == len(names)
    figure.draw_without_rendering()
    assert min(axes.get_window_extent().height for axes in figure.axes) > 1.2 * figure.dpi


values = st.lists(st.floats(-10, 10), min_size=4, max_size=4)


@given(st.lists(values, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_seeds_does_not_matter_to_their_mean_curve(seeds: list[list[float]], random) -> None:
    curves = [(np.arange(4.0), np.array(seed)) for seed in seeds]
    found = figures.mean_curve(curves)
    random.shuffle(curves)
    again = figures.mean_curve(curves)
    assert all(np.array_equal(found[key], again[key], equal_nan=True) for key in found)
    if len(seeds) < 3:
        assert np.isnan(found["low"]).all() and np.isnan(found["high"]).all()
    else:
        assert (found["low"] <= found["iqm"] + 1e-12).all() and (found["iqm"] <= found["high"] + 1e-12).all()


def test_the_mean_of_equal_curves_is_that_curve_though_they_were_measured_at_other_places() -> None:
    places = [np.linspace(1, 9, n) for n in (5, 7, 150, 170)]
    found = figures.mean_curve([(x, 2 * x - 3) for x in places])
    for key in ("iqm", "low", "high"):
        np.testing.assert_allclose(found[key], 2 * found["x"] - 3, atol=1e-9)
    assert (found["x"][0], found["x"][-1]) == (1, 9)
    assert len(found["x"]) <= 201


def test_equal_places_are_kept_and_nothing_is_said_before_all_have_begun() -> None:
    late, early = np.array([20.0, 30.0, 40.0]), np.array([10.0, 20.0, 30.0, 40.0])
    found = figures.mean_curve([(late, late), (early, 3 * early)])
    assert found["x"].tolist() == [20, 30, 40]
    assert found["iqm"].tolist() == [40, 60, 80]


def test_a_seed_that_has_ended_keeps_its_last_value() -> None:
    found = figures.mean_curve([(np.array([1.0, 2.0]), np.array([0.0, 5.0])), (np.array([1.0, 4.0]), np.zeros(2))])
    assert found["iqm"][-1] == pytest.approx(2.5)


# --- gait cycle ---


def test_angles_are_drawn_in_degrees_over_percent(mixed: StudyResults) -> None:
    run = mixed.runs[0]
    figure = figures.gait_cycle_figure({"seed 1": run.gait_cycle})
    assert len(figure.axes) == 8
    right, left = figure.axes[4:6]  # the third of four rows
    for axes, joint in ((right, "knee_flexion_r"), (left, "knee_flexion_l")):
        rows = run.gait_cycle[run.gait_cycle["joint"] == joint]
        for column in ("mean_rad", "reference_rad", "published_mean_rad"):
            curve = ((100 * rows["phase"]).tolist(), np.degrees(rows[column]).tolist())
            assert curve in lines(axes), column
    assert labels(figure) == ["seed 1", "reference", "people, mean ± SD"]


def test_the_spread_is_drawn_for_a_single_table_only() -> None:
    one = cycle(mean_rad=0.1, sd_rad=0.05)
    assert bands(figures.gait_cycle_figure({"a": one}).axes[0]) == 1
    assert bands(figures.gait_cycle_figure({"a": one, "b": one}).axes[0]) == 0


@pytest.mark.parametrize("columns", [{}, {"mean_rad": np.nan, "sd_rad": np.nan}])
def test_a_motion_alone_has_no_walker_s_line(columns: dict[str, float]) -> None:
    table = cycle(published_mean_rad=0.2, published_sd_rad=0.1, **columns)
    figure = figures.gait_cycle_figure({"clip": table})
    assert labels(figure) == ["reference", "people, mean ± SD"]
    assert [len(lines(axes)) for axes in figure.axes] == [2, 2]


def test_what_is_not_known_is_left_out_without_a_warning() -> None:
    table = cycle(mean_rad=0.1, sd_rad=0.05, published_mean_rad=np.nan, published_sd_rad=np.nan)
    table.loc[table["phase"] > 0.5, "mean_rad"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = figures.gait_cycle_figure({"seed 1": table})
        assert figures.figure_bytes(figure, "svg")
    assert labels(figure) == ["seed 1", "reference"]


def test_joints_of_another_walker_have_a_panel_each() -> None:
    figure = figures.gait_cycle_figure({"a": cycle(("waist", "elbow_r", "elbow_l"), mean_rad=0.0)})
    assert [axes.axison for axes in figure.axes] == [True, False, True, True]
    assert figure.axes[2].get_ylabel() == "elbow [°]"


# --- final evaluation ---


def test_the_dots_are_the_seeds_values_and_crosses_the_diverged_ones(mixed: StudyResults) -> None:
    figure = figures.final_evaluation(mixed)
    runs = aggregate.runs_table(mixed)
    scales = {"stable_share": 100, "reward": 1, "speed_mps": 1, "joint_error_deg": 1}
    for axes, (metric, scale) in zip(figure.axes, scales.items(), strict=True):
        for marker, status in zip(MARKS, ("completed", "diverged"), strict=True):
            expected = scale * runs.loc[runs["status"] == status, metric].to_numpy()
            assert sorted(x for x, _ in marks(axes, marker)) == sorted(expected), metric


def test_only_three_seeds_have_a_bar_and_it_is_their_interval(mixed: StudyResults) -> None:
    row = aggregate.experiments_table(mixed).iloc[0]
    (bar,) = figures.final_evaluation(mixed).axes[1].patches
    assert bar.get_x() == pytest.approx(row["reward_ci_low"])
    assert bar.get_x() + bar.get_width() == pytest.approx(row["reward_ci_high"])


def test_missing_seeds_are_named_and_asked_speeds_drawn(mixed: StudyResults) -> None:
    figure = figures.final_evaluation(mixed)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["walk\nseed 4 missing", "torque", "none\nseed 1 missing"]
    asked = [c.get_segments()[0][0][0] for c in figure.axes[2].collections if isinstance(c, LineCollection)]
    assert asked.count(1.25) == 2
    assert labels(figure) == ["a seed", "diverged seed", "IQM, 95 % interval", "asked speed"]


def test_seeds_of_equal_value_do_not_hide_each_other(mixed: StudyResults) -> None:
    places = marks(figures.final_evaluation(mixed).axes[0], "o")
    assert len(set(places)) == len(places) == 4


# --- in a page ---


def test_a_figure_in_a_page_has_the_page_s_colours_and_ids_of_its_own(mixed: StudyResults) -> None:
    svg = figures.figure_bytes(figures.learning_curves(mixed), "svg")
    inline = figures.inline_svg(svg, "f1-")
    assert re.findall(r"#[0-9a-f]{6}\b", inline["content"]) == []
    assert "currentColor" in inline["content"]
    assert "<style" not in inline["content"]
    ids = re.findall(r' id="([^"]*)"', inline["content"])
    assert len(ids) == len(set(ids)) > 10
    assert all(name.startswith("f1-") for name in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', inline["content"])) <= set(ids)


def test_a_figure_in_a_page_says_the_same_and_is_smaller(mixed: StudyResults) -> None:
    svg = figures.figure_bytes(figures.gait_cycle_figure({"<b>0.123456": mixed.runs[0].gait_cycle}), "svg")
    inline = figures.inline_svg(svg, "f1-")
    text = f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{inline["viewbox"]}">{inline["content"]}</svg>'
    page, file = ElementTree.fromstring(text), ElementTree.fromstring(svg)
    words = [
        [text for element in tree.iter() for text in [(element.text or "").strip()] if text] for tree in (page, file)
    ]
    assert words[0] == [word for word in words[1] if "stroke-linejoin" not in word]
    assert "<b>0.123456" in words[0]
    assert file.attrib["viewBox"] == inline["viewbox"]
    assert len(text) < 0.8 * len(svg)
