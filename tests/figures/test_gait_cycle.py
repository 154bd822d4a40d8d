"""The gait figure shows a walker's joints beside the reference and people, and leaves out what is not known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from figures.panels import bands, labels, lines
from matplotlib.colors import to_hex

from mimicrl.figures import style
from mimicrl.figures.gait_cycle import gait_cycle_figure


def cycle(joints: tuple[str, ...] = ("knee_flexion_r", "knee_flexion_l"), **columns: float) -> pd.DataFrame:
    phase = np.linspace(0, 1, 101)
    tables = [
        pd.DataFrame({"joint": joint, "phase": phase, "reference_rad": 0.3 * np.sin(6 * phase + k), **columns})
        for k, joint in enumerate(joints)
    ]
    return pd.concat(tables, ignore_index=True)


def test_angles_are_drawn_in_degrees_over_percent() -> None:
    table = cycle(("hip_r", "hip_l", "knee_r", "knee_l"), mean_rad=0.2, published_mean_rad=0.1, published_sd_rad=0.1)
    figure = gait_cycle_figure({"seed 1": table})
    assert len(figure.axes) == 4
    for axes, joint in zip(figure.axes[2:], ("knee_r", "knee_l"), strict=True):
        rows = table[table["joint"] == joint]
        for column in ("mean_rad", "reference_rad", "published_mean_rad"):
            curve = ((100 * rows["phase"]).tolist(), np.degrees(rows[column]).tolist())
            assert curve in lines(axes), column
    assert labels(figure) == ["seed 1", "reference", "people, mean ± SD"]


def test_the_spread_is_drawn_for_a_single_table_only() -> None:
    one = cycle(mean_rad=0.1, sd_rad=0.05)
    assert bands(gait_cycle_figure({"a": one}).axes[0]) == 1
    assert bands(gait_cycle_figure({"a": one, "b": one}).axes[0]) == 0


@pytest.mark.parametrize("columns", [{}, {"mean_rad": np.nan, "sd_rad": np.nan}])
def test_a_motion_alone_has_no_walker_s_line(columns: dict[str, float]) -> None:
    table = cycle(published_mean_rad=0.2, published_sd_rad=0.1).assign(**columns)
    figure = gait_cycle_figure({"clip": table})
    assert labels(figure) == ["reference", "people, mean ± SD"]
    assert [len(lines(axes)) for axes in figure.axes] == [2, 2]


@pytest.mark.filterwarnings("error")
def test_what_is_not_known_is_left_out_without_a_warning() -> None:
    table = cycle(mean_rad=0.1, sd_rad=0.05, published_mean_rad=np.nan, published_sd_rad=np.nan)
    table.loc[table["phase"] > 0.5, "mean_rad"] = np.nan
    figure = gait_cycle_figure({"seed 1": table})
    assert style.figure_bytes(figure, "svg")
    assert labels(figure) == ["seed 1", "reference"]


def test_joints_of_another_walker_have_a_panel_each() -> None:
    figure = gait_cycle_figure({"a": cycle(("waist", "elbow_r", "elbow_l"), mean_rad=0.0)})
    assert [axes.axison for axes in figure.axes] == [True, False, True, True]
    assert figure.axes[2].get_ylabel() == "elbow [°]"


@pytest.mark.parametrize(("seeds", "apart"), [(18, True), (19, False), (60, False)])
def test_more_seeds_than_can_be_told_apart_are_grey_and_have_no_entry_each(seeds: int, apart: bool) -> None:
    cycles = {f"seed {k}": cycle(mean_rad=np.radians(k + 1), sd_rad=0.1) for k in range(seeds)}
    figure = gait_cycle_figure(cycles)
    named = list(cycles) if apart else ["one seed"]
    assert labels(figure) == [*named, "reference"]
    for axes in figure.axes:
        drawn = [line for line in axes.lines if apart or to_hex(line.get_color()) == style.INK]
        heights = {round(y) for line in drawn for y in np.asarray(line.get_ydata(), float) if np.isfinite(y)}
        assert set(range(1, seeds + 1)) <= heights
        assert (len(axes.lines) == 2) != apart
