"""Series can be told apart, a legend takes nothing from the panels, and equal figures are equal files."""

from __future__ import annotations

import re

import matplotlib
import pytest
from figures.panels import labels
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from mimicrl.figures import style


@given(st.lists(st.text(), min_size=1, max_size=style.LOOKS, unique=True))
def test_each_name_has_a_look_of_its_own_that_later_names_do_not_change(names: list[str]) -> None:
    looks = style.looks(names)
    assert list(looks) == names
    assert len(set(looks.values())) == len(names)
    assert style.looks(names[:-1]).items() <= looks.items()


def test_colours_serve_before_dashes() -> None:
    looks = style.looks(map(str, range(len(style.SERIES)))).values()
    assert tuple(look.color for look in looks) == style.SERIES
    assert {look.linestyle for look in looks} == {"-"}


def test_the_style_is_the_same_whatever_the_users_matplotlibrc_says_and_ends_with_its_block() -> None:
    with style.style():
        expected = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.grid": False}):
        before = dict(matplotlib.rcParams)
        with style.style():
            assert dict(matplotlib.rcParams) == expected
        assert dict(matplotlib.rcParams) == before
    assert expected["text.color"] == style.INK


def plotted() -> Figure:
    with style.style():
        figure = Figure(figsize=(style.WIDTH_IN, 4.2), layout="constrained")
        figure.subplots().plot([1, 2], [3, 4])
    return figure


@pytest.mark.parametrize("names", [["a"], [f"experiment-{k}" for k in range(9)], ["a-long-name-" * 5, "b"]])
def test_a_legend_takes_nothing_from_the_panels_and_stays_inside_the_figure(names: list[str]) -> None:
    figure = plotted()
    figure.draw_without_rendering()
    alone = figure.axes[0].get_window_extent().height
    with style.style():
        style.legend(figure, {name: style.line(**style.THICK) for name in names})
    figure.draw_without_rendering()
    assert labels(figure) == names
    assert figure.axes[0].get_window_extent().height > alone - 0.15 * figure.dpi  # a row is higher than that
    (shown,) = figure.legends
    assert shown.get_window_extent().width <= figure.bbox.width


def test_equal_figures_are_equal_files_that_name_neither_time_nor_program() -> None:
    kinds = ("svg", "png", "pdf")
    files = style.figure_files({"x": plotted()}, kinds)
    assert files.keys() == {f"x.{kind}" for kind in kinds}
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "svg.fonttype": "path"}):
        assert style.figure_files({"x": plotted()}, kinds) == files
    for data in files.values():
        assert re.findall(rb"dc:date|CreationDate|Software|matplotlib v", data, re.IGNORECASE) == []
