"""The figure of what the final policies do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from mimicrl.analysis import aggregate, drawing, tables
from mimicrl.analysis.statistics import SEEDS_FOR_INTERVAL, summarize
from mimicrl.analysis.study import RunResult, StudyResults
from mimicrl.runs.summary import MetricSummary

_SEED, _DIVERGED, _INTERVAL, _TARGET = "one seed", "diverged seed", "IQM, 95 % interval", "target"


@drawing.style()
def final_evaluation(results: StudyResults) -> Figure:
    """Draw the headline metrics of the final policies, one panel each.

    A dot is one seed; from three seeds on there is a bar, the interquartile mean and its 95 % interval. Seeds that
    diverged have another symbol and count; missing ones are named beside their experiment.
    """
    runs, names = aggregate.runs_table(results), list(results.experiments)
    metrics = tables.headline_metrics(results.metrics.values())
    figure = Figure(figsize=(drawing.WIDTH_IN, 0.9 + 0.6 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    handles: dict[str, Artist] = {}
    for axes, metric in zip(panels, metrics, strict=True):
        _prepare(axes, metric)
        for place, (name, look) in enumerate(drawing.looks(names).items()):
            seeds = runs.loc[(runs["experiment"] == name) & runs[metric.name].notna()]
            if metric.target and len(seeds):
                target = metric.scale * drawing.column(seeds, metric.target)[0]
                axes.vlines(target, place - 0.36, place + 0.36, color=drawing.INK, linewidth=1.2)
                handles[_TARGET] = drawing.line(color=drawing.INK, **drawing.MARKERS["|"])
            diverged = np.array([status == "diverged" for status in seeds["status"]], dtype=bool)
            values = metric.scale * drawing.column(seeds, metric.name)
            handles |= _draw_seeds(axes, values, diverged, place, look)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    panels[0].set_yticks(range(len(names)), [_row_label(name, results.experiments[name]) for name in names])
    order = (_SEED, _DIVERGED, _INTERVAL, _TARGET)
    drawing.legend(figure, {label: handles[label] for label in order if label in handles})
    return figure


def _prepare(axes: Axes, metric: MetricSummary) -> None:
    unit = f" [{metric.unit}]" if metric.unit else ""
    axes.set_title("\n".join(textwrap.wrap(metric.heading.lower() + unit, 10)))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    if metric.bounds:
        low, high = metric.scale * np.array(metric.bounds)
        margin = 0.06 * (high - low)
        axes.set(xlim=(low - margin, high + margin), xticks=[low, (low + high) / 2, high])


def _draw_seeds(
    axes: Axes, values: np.ndarray, diverged: np.ndarray, place: int, look: drawing.Look
) -> dict[str, Artist]:
    """Draw an experiment's seeds around the height `place`, one above the other so that equal values stay apart."""
    handles: dict[str, Artist] = {}
    if len(values) >= SEEDS_FOR_INTERVAL:
        found = summarize(values.tolist())
        axes.barh(place, found.high - found.low, 0.56, left=found.low, color=look.color, **drawing.BAND)
        axes.vlines(found.iqm, place - 0.28, place + 0.28, color=look.color, **drawing.THICK)
        handles[_INTERVAL] = Patch(color=drawing.INK, **drawing.BAND)
    heights = place + (np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(len(values)))
    for chosen, marker, label in ((~diverged, "o", _SEED), (diverged, "x", _DIVERGED)):
        if chosen.any():
            axes.plot(values[chosen], heights[chosen], color=look.color, **drawing.MARKERS[marker], zorder=4)
            handles[label] = drawing.line(color=drawing.INK, **drawing.MARKERS[marker])
    return handles


def _row_label(name: str, runs: Sequence[RunResult]) -> str:
    missing = ", ".join(str(run.seed) for run in runs if not run.finished)
    return "\n".join(textwrap.wrap(name, 16) + textwrap.wrap(f"seed {missing} missing" if missing else "", 16))
