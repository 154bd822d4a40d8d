"""A study has its figures, as files that are the same on every machine, and inside a page."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from mimicrl.analysis.final_evaluation import final_evaluation
from mimicrl.analysis.gait_figure import gait_cycle_figure
from mimicrl.analysis.learning_curves import learning_curves
from mimicrl.analysis.study import StudyResults, load

from mimicrl.analysis import figures

# --- bytes ---


def test_equal_data_give_equal_bytes_whatever_the_users_matplotlibrc_says(
    results: StudyResults, tmp_path: Path
) -> None:
    first = figures.figure_files(figures.study_figures(results))
    copy = load(shutil.copytree(results.directory, tmp_path / "elsewhere"))
    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "svg.fonttype": "path", "axes.grid": False}):
        assert figures.figure_files(figures.study_figures(copy)) == first


def test_files_tell_neither_time_nor_tool(results: StudyResults) -> None:
    files = figures.figure_files({"x": final_evaluation(results)})
    assert files.keys() == {"x.svg", "x.png", "x.pdf"}
    assert [files["x.png"][:4], files["x.pdf"][:4], files["x.svg"][:5]] == [b"\x89PNG", b"%PDF", b"<?xml"]
    for data in files.values():
        assert re.findall(rb"dc:date|CreationDate|Software|matplotlib v", data, re.IGNORECASE) == []


def test_drawing_leaves_matplotlibs_parameters_alone(results: StudyResults) -> None:
    before = dict(matplotlib.rcParams)
    figures.figure_files({"x": learning_curves(results)})
    assert dict(matplotlib.rcParams) == before


def test_a_study_has_a_gait_figure_for_each_experiment_with_a_finished_run(results: StudyResults) -> None:
    assert list(figures.study_figures(results)) == ["learning_curves", "final_evaluation", "gait_walk", "gait_torque"]


def test_without_a_finished_run_there_is_nothing_to_draw(make_study: Callable[..., Path]) -> None:
    assert figures.study_figures(load(make_study({"walk": {1: "not evaluated"}}))) == {}


# --- in a page ---


def test_a_figure_in_a_page_has_the_page_s_colours_and_ids_of_its_own(results: StudyResults) -> None:
    svg = figures.figure_bytes(learning_curves(results), "svg")
    inline = figures.inline_svg(svg, "f1-")
    assert re.findall(r"#[0-9a-f]{6}\b", inline["content"]) == []
    assert "currentColor" in inline["content"]
    assert "<style" not in inline["content"]
    ids = re.findall(r' id="([^"]*)"', inline["content"])
    assert len(ids) == len(set(ids)) > 10
    assert all(name.startswith("f1-") for name in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', inline["content"])) <= set(ids)


def test_a_figure_in_a_page_says_the_same_and_is_smaller(results: StudyResults) -> None:
    svg = figures.figure_bytes(gait_cycle_figure({"<b>0.123456": results.runs[0].gait_cycle}), "svg")
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
