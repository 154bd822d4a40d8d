"""The figure of the final evaluations."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from mimicrl.figures import style

_SEED, _DIVERGED, _INTERVAL, _TARGET = "one seed", "diverged seed", "IQM, 95 % interval", "target"


@dataclass(frozen=True, eq=False)
class SeedValues:
    """The values of one metric for the seeds of one experiment.

    Attributes:
        values: One value per seed, shape ``(n,)``.
        diverged: For each seed, whether its training diverged, shape ``(n,)``.
        interval: The interquartile mean, and the lower and upper end of its interval. None if there are too few seeds.
        target: The value of the metric that the policy should reach, if there is one.
    """

    values: np.ndarray
    diverged: np.ndarray
    interval: tuple[float, float, float] | None = None
    target: float | None = None


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel of the figure: one metric.

    Attributes:
        heading: Name of the metric, with its unit.
        experiments: The values of the metric: one entry per experiment, in the order of the rows.
        bounds: The lowest and the highest value that the metric can have, if it is bounded.
    """

    heading: str
    experiments: Sequence[SeedValues]
    bounds: tuple[float, float] | None = None


@style.style()
def final_evaluation(experiments: Mapping[str, Sequence[int]], panels: Sequence[Panel]) -> Figure:
    """Draw metrics of the final policies, one panel per metric and one row per experiment.

    A dot is one seed. A cross is one seed whose training diverged. A bar shows the interquartile mean and its interval.

    Args:
        experiments: Maps the name of each experiment to its missing seeds. The label of the row lists these seeds.
        panels: The panels, from left to right.
    """
    figure = Figure(figsize=(style.WIDTH_IN, 0.9 + 0.6 * len(experiments)), layout="constrained")
    axes_row = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    looks = style.looks(experiments).values()
    handles: dict[str, Artist] = {}
    for axes, panel in zip(axes_row, panels, strict=True):
        _prepare(axes, panel)
        for place, (seeds, look) in enumerate(zip(panel.experiments, looks, strict=True)):
            handles |= _draw_seeds(axes, seeds, place, look)
    axes_row[0].set_ylim(len(experiments) - 0.5, -0.5)
    axes_row[0].set_yticks(range(len(experiments)), [_row_label(*item) for item in experiments.items()])
    order = (_SEED, _DIVERGED, _INTERVAL, _TARGET)
    style.legend(figure, {label: handles[label] for label in order if label in handles})
    return figure


def _prepare(axes: Axes, panel: Panel) -> None:
    axes.set_title("\n".join(textwrap.wrap(panel.heading, 10)))
    axes.xaxis.set_major_locator(MaxNLocator(2))  # more labels would overlap
    axes.margins(x=0.2)
    axes.use_sticky_edges = False  # with sticky edges, bars would move markers to the edge of the panel
    axes.grid(visible=False, axis="y")
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    if panel.bounds:
        low, high = panel.bounds
        margin = 0.06 * (high - low)
        axes.set(xlim=(low - margin, high + margin), xticks=[low, (low + high) / 2, high])


def _draw_seeds(axes: Axes, seeds: SeedValues, place: int, look: style.Look) -> dict[str, Artist]:
    """Draw the seeds of an experiment around the height `place`.

    Each seed has its own height, so that equal values do not overlap.
    """
    handles: dict[str, Artist] = {}
    if seeds.target is not None:
        axes.vlines(seeds.target, place - 0.36, place + 0.36, color=style.INK, linewidth=1.2)
        handles[_TARGET] = style.line(color=style.INK, **style.MARKERS["|"])
    if seeds.interval is not None:
        middle, low, high = seeds.interval
        axes.barh(place, high - low, 0.56, left=low, color=look.color, **style.BAND)
        axes.vlines(middle, place - 0.28, place + 0.28, color=look.color, **style.THICK)
        handles[_INTERVAL] = Patch(color=style.INK, **style.BAND)
    count = len(seeds.values)
    heights = place + (np.linspace(-0.2, 0.2, count) if count > 1 else np.zeros(count))
    for chosen, marker, label in ((~seeds.diverged, "o", _SEED), (seeds.diverged, "x", _DIVERGED)):
        if chosen.any():
            axes.plot(seeds.values[chosen], heights[chosen], color=look.color, **style.MARKERS[marker], zorder=4)
            handles[label] = style.line(color=style.INK, **style.MARKERS[marker])
    return handles


def _row_label(name: str, missing: Sequence[int]) -> str:
    seeds = f"seed {', '.join(map(str, missing))} missing" if missing else ""
    return "\n".join(textwrap.wrap(name, 16) + textwrap.wrap(seeds, 16))
