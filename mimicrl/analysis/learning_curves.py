"""The figure of how training went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mimicrl.analysis import drawing
from mimicrl.analysis.statistics import iqm_band
from mimicrl.analysis.study import EVALUATION_COLUMNS, RunResult, StudyResults
from mimicrl.runs.summary import REWARD, STABLE_SHARE

_THIN: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.55}
_CURVE_POINTS = 201


@drawing.style()
def learning_curves(results: StudyResults) -> Figure:
    """Draw imitation reward and share of stable episodes over samples and over wall time.

    A thin line is one seed, the thick one their interquartile mean, from three seeds on with its 95 % interval. A seed
    that has ended counts with its last value, one that diverged too.
    """
    figure = Figure(figsize=(drawing.WIDTH_IN, 4.2), layout="constrained")
    panels = figure.subplots(2, 2, sharex="col", sharey="row")
    looks = drawing.looks(results.experiments)
    curves = {name: [_curve(run) for run in runs if run.finished] for name, runs in results.experiments.items()}
    every = [curve for members in curves.values() for curve in members]
    largest = max(curve["samples"].max(initial=0) for curve in every)
    unit, scale = ("million", 1e6) if largest >= 2e6 else ("thousand", 1e3)
    for row, value in zip(panels, (REWARD, STABLE_SHARE), strict=True):
        for axes, time, divisor in zip(row, ("samples", "seconds"), (scale, 60), strict=True):
            for name, look in looks.items():
                drawn = [curve | {"x": curve[time] / divisor, "y": curve[value]} for curve in curves[name]]
                _draw_curves(axes, drawn, look)
    panels[0, 0].set(ylabel="imitation reward")
    # From 0, but for rewards that penalties made negative.
    panels[0, 0].set_ylim(min(0.0, panels[0, 0].get_ylim()[0]), 1.02)
    panels[1, 0].set(ylabel="stable episodes [%]", ylim=(-3, 105), xlabel=f"samples [{unit}]")
    panels[1, 1].set(xlabel="wall time [min]")
    for axes in panels[1]:
        axes.set_xlim(left=0)
    figure.align_ylabels()
    handles: dict[str, Artist] = {
        name: drawing.line(**look._asdict(), **drawing.THICK) for name, look in looks.items() if curves[name]
    }
    for label, (marker, column) in {"first success": ("o", "first"), "diverged": ("x", "diverged")}.items():
        if any(curve[column].any() for curve in every):
            handles[label] = drawing.line(color=drawing.INK, **drawing.MARKERS[marker])
    drawing.legend(figure, handles)
    return figure


def _curve(run: RunResult) -> drawing.Arrays:
    """Return a finished run's evaluations, of a diverged one also the final one, which comes after them.

    Times are NaN where an earlier version did not write them down.

    Keys ``samples, seconds, reward, stable_share`` [%], and where ``first`` success and where the run ``diverged``.
    """
    table, outcome = run.evaluations, run.outcome
    # A budget below the first evaluation leaves a table without columns.
    samples, reward, share = (drawing.column(table, name) if len(table) else np.zeros(0) for name in EVALUATION_COLUMNS)
    timed = "training_seconds" in table or not len(table)
    seconds = drawing.column(table, "training_seconds") if timed and len(table) else np.full(len(samples), np.nan)
    diverged = np.zeros(len(samples), dtype=bool)
    if run.status == "diverged" and outcome is not None and run.summary is not None:
        end = run.summary.values
        samples, seconds = (
            np.append(samples, outcome.samples),
            np.append(seconds, outcome.train_seconds if timed else np.nan),
        )
        reward, share = (
            np.append(known, np.array(end[name], float)) for known, name in ((reward, REWARD), (share, STABLE_SHARE))
        )
        diverged = np.append(diverged, True)
    success = outcome.first_success_samples if outcome else None
    first = samples == (success or np.nan)
    shown = dict(samples=samples, seconds=seconds, reward=reward, stable_share=100 * share)
    return shown | dict(first=first, diverged=diverged)


def _draw_curves(axes: Axes, curves: Sequence[drawing.Arrays], look: drawing.Look) -> None:
    """Draw the seeds of an experiment, ``y`` over ``x``, and what they have in common."""
    curves = [curve for curve in curves if len(curve["x"]) and np.isfinite(curve["x"]).all()]
    for curve in curves:
        axes.plot(curve["x"], curve["y"], **look._asdict(), **_THIN)
        for column, marker in (("first", "o"), ("diverged", "x")):
            if curve[column].any():  # to the layout an empty line that is not clipped lies anywhere
                x, y = curve["x"][curve[column]], curve["y"][curve[column]]
                axes.plot(x, y, color=look.color, **drawing.MARKERS[marker], zorder=4, clip_on=False)
    if curves:
        middle = mean_curve([(curve["x"], curve["y"]) for curve in curves])
        axes.plot(middle["x"], middle["iqm"], **look._asdict(), **drawing.THICK, zorder=3)
        axes.fill_between(middle["x"], middle["low"], middle["high"], color=look.color, **drawing.BAND)


def mean_curve(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> drawing.Arrays:
    """Return the interquartile mean of curves and its 95 % interval, from where all have begun to where the last ends.

    Between its points a curve is interpolated, after its end it keeps its last value.

    Args:
        curves: ``(x, y)`` of each seed, shape ``(n,)`` each, x ascending.

    Returns:
        ``x``, ``iqm``, ``low`` and ``high``, shape ``(m,)`` each; the last two are NaN below three seeds.
    """
    x = np.unique(np.concatenate([x for x, _ in curves]))
    if len(x) > _CURVE_POINTS:  # wall times differ in all seeds
        x = np.linspace(x[0], x[-1], _CURVE_POINTS)
    x = x[x >= max(x[0] for x, _ in curves)]
    values = np.array([np.interp(x, *curve) for curve in curves])
    return {"x": x, **dict(zip(("iqm", "low", "high"), iqm_band(values), strict=True))}
