"""The figure of the evaluations during training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mimicrl.figures import style

TIMES, VALUES = ("samples", "seconds"), ("reward", "stable_share")
"""What the panels' columns and rows show: fields of `SeedCurve`."""
_THIN: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.55}


@dataclass(frozen=True, eq=False)
class SeedCurve:
    """The evaluations of one seed, arrays of shape ``(n,)``.

    Attributes:
        samples: Control steps taken so far.
        seconds: Wall time of training so far [s]; NaN where it is not known.
        reward: Imitation reward.
        stable_share: Share of stable episodes [%].
        first_success: True at the first success.
        diverged: True where training diverged.
    """

    samples: np.ndarray
    seconds: np.ndarray
    reward: np.ndarray
    stable_share: np.ndarray
    first_success: np.ndarray
    diverged: np.ndarray


class MeanCurve(NamedTuple):
    """The interquartile mean of several seeds and its interval, shape ``(m,)`` each; NaN where there is no interval."""

    x: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False)
class ExperimentCurves:
    """The curves of an experiment: those of its seeds, and their mean for each pair of one of `TIMES` and `VALUES`."""

    seeds: Sequence[SeedCurve]
    means: Mapping[tuple[str, str], MeanCurve]


@style.style()
def learning_curves(experiments: Mapping[str, ExperimentCurves]) -> Figure:
    """Draw imitation reward and share of stable episodes over samples and over wall time.

    A thin line is one seed, a thick line the mean of an experiment's seeds, with its interval where there is one.

    Args:
        experiments: The curves by the experiment's name. At least one has a seed.
    """
    figure = Figure(figsize=(style.WIDTH_IN, 4.2), layout="constrained")
    panels = figure.subplots(2, 2, sharex="col", sharey="row")
    looks = style.looks(experiments)
    seeds = [seed for curves in experiments.values() for seed in curves.seeds]
    largest = max(seed.samples.max(initial=0) for seed in seeds)
    unit, scale = ("million", 1e6) if largest >= 2e6 else ("thousand", 1e3)
    for row, value in zip(panels, VALUES, strict=True):
        for axes, time, divisor in zip(row, TIMES, (scale, 60), strict=True):
            for name, look in looks.items():
                _draw(axes, experiments[name], time, value, divisor, look)
    panels[0, 0].set(ylabel="imitation reward")
    # The axis begins at 0, unless penalties made rewards negative.
    panels[0, 0].set_ylim(min(0.0, panels[0, 0].get_ylim()[0]), 1.02)
    panels[1, 0].set(ylabel="stable episodes [%]", ylim=(-3, 105), xlabel=f"samples [{unit}]")
    panels[1, 1].set(xlabel="wall time [min]")
    for axes in panels[1]:
        axes.set_xlim(left=0)
    figure.align_ylabels()
    handles: dict[str, Artist] = {
        name: style.line(**look._asdict(), **style.THICK) for name, look in looks.items() if experiments[name].seeds
    }
    if any(seed.first_success.any() for seed in seeds):
        handles["first success"] = style.line(color=style.INK, **style.MARKERS["o"])
    if any(seed.diverged.any() for seed in seeds):
        handles["diverged"] = style.line(color=style.INK, **style.MARKERS["x"])
    style.legend(figure, handles)
    return figure


def _draw(axes: Axes, experiment: ExperimentCurves, time: str, value: str, divisor: float, look: style.Look) -> None:
    """Draw an experiment's seeds and their mean in one panel."""
    for seed in experiment.seeds:
        x, y = getattr(seed, time) / divisor, getattr(seed, value)
        if not np.isfinite(x).all():
            continue
        axes.plot(x, y, **look._asdict(), **_THIN)
        for marked, marker in ((seed.first_success, "o"), (seed.diverged, "x")):
            if marked.any():  # an empty line that is not clipped would disturb the layout
                axes.plot(x[marked], y[marked], color=look.color, **style.MARKERS[marker], zorder=4, clip_on=False)
    if mean := experiment.means.get((time, value)):
        axes.plot(mean.x / divisor, mean.middle, **look._asdict(), **style.THICK, zorder=3)
        axes.fill_between(mean.x / divisor, mean.low, mean.high, color=look.color, **style.BAND)
