"""Series can be told apart, and a legend takes nothing from the panels."""

from __future__ import annotations

import matplotlib
import pytest
from analysis.panels import labels
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mimicrl.analysis import drawing


@given(st.lists(st.text(), min_size=1, max_size=18, unique=True))
def test_each_name_has_a_look_of_its_own_that_later_names_do_not_change(names: list[str]) -> None:
    looks = drawing.looks(names)
    assert list(looks) == names
    assert len(set(looks.values())) == len(names)
    assert drawing.looks(names[:-1]).items() <= looks.items()


def test_colours_serve_before_dashes() -> None:
    looks = drawing.looks([str(number) for number in range(6)])
    assert tuple(look.color for look in looks.values()) == drawing.SERIES
    assert {look.linestyle for look in looks.values()} == {"-"}


def test_the_style_is_the_same_whatever_the_users_matplotlibrc_says_and_ends_with_its_block() -> None:
    with drawing.style():
        expected = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        with drawing.style():
            assert dict(matplotlib.rcParams) == expected
        assert dict(matplotlib.rcParams) == before
    assert expected["text.color"] == drawing.INK


@pytest.mark.parametrize("names", [["a"], [f"experiment-{k}" for k in range(9)], ["a-long-name-" * 5, "b"]])
def test_a_legend_takes_nothing_from_the_panels_and_stays_inside_the_figure(names: list[str]) -> None:
    with drawing.style():
        figure = Figure(figsize=(drawing.WIDTH_IN, 4.2), layout="constrained")
        axes = figure.subplots()
        figure.draw_without_rendering()
        alone = axes.get_window_extent().height
        drawing.legend(figure, {name: drawing.line(**drawing.THICK) for name in names})
        figure.draw_without_rendering()
    assert labels(figure) == names
    assert axes.get_window_extent().height > alone - 0.15 * figure.dpi  # a row is higher than that
    (shown,) = figure.legends
    assert shown.get_window_extent().width <= figure.bbox.width
