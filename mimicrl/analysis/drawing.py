"""What all figures have in common: style, colours, marks and legend.

Colours are those of Okabe and Ito, "Color Universal Design" (2008), which colour-blind people tell apart too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK, PAPER = "#23262b", "#ffffff"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTH_IN = 5.0
"""Of all figures: on the screen of a phone it keeps about this size."""
MARKERS: dict[str, dict[str, Any]] = {
    "o": {"marker": "o", "markersize": 5.5, "markeredgecolor": PAPER, "markeredgewidth": 0.6, "linestyle": "none"},
    "x": {"marker": "x", "markersize": 6, "markeredgewidth": 1.6, "linestyle": "none"},
    "|": {"marker": "|", "markersize": 9, "markeredgewidth": 1.2, "linestyle": "none"},
}
THICK: dict[str, Any] = {"linewidth": 2.0}
BAND: dict[str, Any] = {"alpha": 0.2, "linewidth": 0}

Arrays = dict[str, np.ndarray]

_STYLE = Path(__file__).parent / "assets" / "figures.mplstyle"
_DASHES = ("-", "--", ":")  # of each further round of colours
LOOKS = len(SERIES) * len(_DASHES)
"""How many series can be told apart."""
_LEGEND_CHARACTERS = 62


class Look(NamedTuple):
    """How a series is drawn."""

    color: str
    linestyle: str


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Set matplotlib's parameters to the style file's, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rc_file(_STYLE)
        yield


def column(table: pd.DataFrame, name: str) -> np.ndarray:
    """Return a column as numbers that matplotlib can draw."""
    return np.asarray(table[name], dtype=float)


def looks(names: Sequence[str] | Mapping[str, object]) -> dict[str, Look]:
    """Return a look for each name; when all colours are used they come again, with other dashes."""
    numbered = ((name, *divmod(number, len(SERIES))) for number, name in enumerate(names))
    return {name: Look(SERIES[color], _DASHES[turn % len(_DASHES)]) for name, turn, color in numbered}


def line(**how: Any) -> Artist:
    """Return what a legend shows for a line or a marker."""
    return Line2D([], [], **how)


def legend(figure: Figure, handles: Mapping[str, Artist]) -> None:
    """Put a legend above the panels, in as few rows as have room, and make the figure higher by what it takes."""
    labels = list(handles)
    for rows in range(1, len(labels) + 1):
        columns = [labels[start : start + rows] for start in range(0, len(labels), rows)]
        if rows == len(labels) or sum(max(map(len, column)) + 5 for column in columns) <= _LEGEND_CHARACTERS:
            figure.legend(list(handles.values()), labels, loc="outside upper center", ncols=len(columns))
            figure.set_figheight(figure.get_figheight() + 0.21 * rows)
            return
