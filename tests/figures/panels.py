"""What a figure's panels show, as numbers and words."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def lines(axes: Axes) -> list[tuple[list[float], list[float]]]:
    """The curves of a panel, without markers."""
    return [points(line) for line in axes.lines if line.get_marker() == "None"]


def marks(axes: Axes, marker: str) -> list[tuple[float, float]]:
    """The places of a marker in a panel."""
    found = [points(line) for line in axes.lines if line.get_marker() == marker]
    return [place for x, y in found for place in zip(x, y, strict=True)]


def points(line: Line2D) -> tuple[list[float], list[float]]:
    return np.asarray(line.get_xdata(), float).tolist(), np.asarray(line.get_ydata(), float).tolist()


def labels(figure: Figure) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def bands(axes: Axes) -> int:
    """How many bands of a panel cover anything."""
    fills = [fill for fill in axes.collections if not isinstance(fill, LineCollection)]
    corners = [np.asarray(path.vertices) for fill in fills for path in fill.get_paths()]
    return sum(len(places) > 0 and bool(np.isfinite(places).all()) for places in corners)
