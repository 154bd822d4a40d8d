"""What all figures share: style sheet, colours, markers, legend, and the bytes of a file.

The colours are those of Okabe and Ito, "Color Universal Design" (2008), which colour-blind people can tell apart.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

INK = "#23262b"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
WIDTH_IN = 5.0
"""The width of all figures; a phone shows them at about this size."""
MARKERS: dict[str, dict[str, Any]] = {
    "o": {"marker": "o", "markersize": 5.5, "markeredgecolor": "white", "markeredgewidth": 0.6, "linestyle": "none"},
    "x": {"marker": "x", "markersize": 6, "markeredgewidth": 1.6, "linestyle": "none"},
    "|": {"marker": "|", "markersize": 9, "markeredgewidth": 1.2, "linestyle": "none"},
}
THICK: dict[str, Any] = {"linewidth": 2.0}
BAND: dict[str, Any] = {"alpha": 0.2, "linewidth": 0}

_STYLE = Path(__file__).with_name("figures.mplstyle")
_DASHES = ("-", "--", ":")
LOOKS = len(SERIES) * len(_DASHES)
"""The number of series that can be told apart."""
_LEGEND_CHARACTERS = 62
_WITHOUT_ORIGIN = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""For each format, metadata that leaves out when and with which program the file was made."""


class Look(NamedTuple):
    """How a series is drawn."""

    color: str
    linestyle: str


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Set matplotlib's parameters to those of the style sheet, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rc_file(_STYLE)
        yield


def looks(names: Iterable[str]) -> dict[str, Look]:
    """Return a look for each name. When all colours are used, they are used again with other dashes."""
    numbered = ((name, *divmod(number, len(SERIES))) for number, name in enumerate(names))
    return {name: Look(SERIES[color], _DASHES[turn % len(_DASHES)]) for name, turn, color in numbered}


def line(**how: Any) -> Artist:
    """Return what a legend shows for a line or a marker."""
    return Line2D([], [], **how)


def legend(figure: Figure, handles: Mapping[str, Artist]) -> None:
    """Put a legend above the panels, in as few rows as fit, and make the figure higher by the legend's height."""
    labels = list(handles)
    for rows in range(1, len(labels) + 1):
        columns = [labels[start : start + rows] for start in range(0, len(labels), rows)]
        if rows == len(labels) or sum(max(map(len, column)) + 5 for column in columns) <= _LEGEND_CHARACTERS:
            figure.legend(list(handles.values()), labels, loc="outside upper center", ncols=len(columns))
            figure.set_figheight(figure.get_figheight() + 0.21 * rows)
            return


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of an ``svg``, ``png`` or ``pdf`` file; equal figures give equal bytes."""
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=_WITHOUT_ORIGIN[kind])
    return buffer.getvalue()


def figure_files(figures: Mapping[str, Figure], kinds: Iterable[str]) -> dict[str, bytes]:
    """Return each figure in each format, by file name."""
    for figure in figures.values():
        with style():  # the layout is computed once here, not once for each format
            if engine := figure.get_layout_engine():
                engine.execute(figure)
        figure.set_layout_engine("none")
    return {f"{name}.{kind}": figure_bytes(figure, kind) for name, figure in figures.items() for kind in kinds}
