"""A study's figures: which ones there are, as files and inside a page; equal data give equal bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping

from markupsafe import Markup
from matplotlib.figure import Figure

from mimicrl.analysis.drawing import INK, PAPER, SERIES, style
from mimicrl.analysis.final_evaluation import final_evaluation
from mimicrl.analysis.gait_figure import gait_cycle_figure
from mimicrl.analysis.learning_curves import learning_curves
from mimicrl.analysis.study import RunResult, StudyResults
from mimicrl.runs.layout import FIGURE_FORMATS, STUDY_FIGURES, gait_figure

_UNTOLD = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""Of each format the fields that would tell when and with what a file was made."""


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a file; `kind` is one of `FIGURE_FORMATS`."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=_UNTOLD[kind])
    return buffer.getvalue()


def figure_files(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    """Return each figure in all `FIGURE_FORMATS`, by file name."""
    for figure in figures.values():  # once, or each format would take its time for the layout
        with style():
            if engine := figure.get_layout_engine():
                engine.execute(figure)
        figure.set_layout_engine("none")
    return {f"{name}.{kind}": figure_bytes(figure, kind) for name, figure in figures.items() for kind in FIGURE_FORMATS}


def inline_svg(svg: bytes, prefix: str) -> dict[str, Markup]:
    """Return ``viewbox`` and ``content`` of an ``svg`` element in a page, whose ink and colours are the page's.

    Args:
        svg: From `figure_bytes`.
        prefix: Put before all ids, which must not occur twice on a page.
    """
    text = svg.decode()
    viewbox = re.search(r'viewBox="([^"]*)"', text)
    text = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # it would hold for the whole page
    text = re.sub(r'(?<= id=")|(?<=href="#)|(?<=url\(#)', prefix, text)
    # A hundredth of a point is precise enough, and saves a quarter of the size.
    text = re.sub(r' (?:d|x|y|transform)="[^"]*"', lambda part: re.sub(r"(\.\d\d)\d+", r"\1", part.group()), text)
    text = text.replace(" \nL ", "L")
    colors = {INK: "currentColor", PAPER: "var(--paper)"}
    colors |= {color: f"var(--series-{number})" for number, color in enumerate(SERIES)}
    for color, variable in colors.items():
        text = text.replace(color, variable)
    return {"viewbox": Markup(viewbox.group(1) if viewbox else ""), "content": Markup(text)}


def study_figures(results: StudyResults) -> dict[str, Figure]:
    """Return the figures of a study by name; none of experiments without a finished run."""
    if not any(run.finished for run in results.runs):
        return {}
    drawn = (learning_curves(results), final_evaluation(results))
    figures: dict[str, Figure] = dict(zip(STUDY_FIGURES, drawn, strict=True))
    for name, runs in results.experiments.items():
        cycles = {_label(run): run.gait_cycle for run in runs if run.finished}
        if cycles:
            figures[gait_figure(name)] = gait_cycle_figure(cycles)
    return figures


def _label(run: RunResult) -> str:
    return f"seed {run.seed}" + (" (diverged)" if run.status == "diverged" else "")
