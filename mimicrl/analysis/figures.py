"""Figures of a study: how training went, how joints move over the gait cycle, what the final policies do.

Equal data give equal bytes. Colours are those of Okabe and Ito, "Color Universal Design" (2008), which colour-blind
people tell apart too.
"""

from __future__ import annotations

import contextlib
import io
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from mimicrl.analysis import aggregate
from mimicrl.analysis.statistics import SEEDS_FOR_INTERVAL, summarize
from mimicrl.analysis.study import RunResult, StudyResults

INK, PAPER = "#23262b", "#ffffff"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
FORMATS = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""File formats, each without the fields that would tell when and with what the file was made."""

Arrays = dict[str, np.ndarray]

_STYLE = Path(__file__).parent / "assets" / "figures.mplstyle"
_WIDTH_IN = 5.0  # on the screen of a phone it keeps about this size
_DASHES = ("-", "--", ":")  # of each further round of colours
_MARKERS: dict[str, dict[str, Any]] = {
    "o": {"marker": "o", "markersize": 5.5, "markeredgecolor": PAPER, "markeredgewidth": 0.6, "linestyle": "none"},
    "x": {"marker": "x", "markersize": 6, "markeredgewidth": 1.6, "linestyle": "none"},
    "|": {"marker": "|", "markersize": 9, "markeredgewidth": 1.2, "linestyle": "none"},
}
_THIN: dict[str, Any] = {"linewidth": 0.9, "alpha": 0.55}
_THICK: dict[str, Any] = {"linewidth": 2.0}
_TARGET: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2)), "linewidth": 1.2}
_BAND: dict[str, Any] = {"alpha": 0.2, "linewidth": 0}
_CURVE_POINTS = 201
_LEGEND_CHARACTERS = 62


class _Look(NamedTuple):
    """How a series is drawn."""

    color: str
    linestyle: str


@contextlib.contextmanager
def _style() -> Iterator[None]:
    """Set matplotlib's parameters to the style file's, whatever the user's matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rc_file(_STYLE)
        yield


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a file; `kind` is one of `FORMATS`."""
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format=kind, metadata=FORMATS[kind])
    return buffer.getvalue()


def figure_files(figures: Mapping[str, Figure]) -> dict[str, bytes]:
    """Return each figure in all `FORMATS`, by file name."""
    for figure in figures.values():  # once, or each format would take its time for the layout
        with _style():
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
    return {f"{name}.{kind}": figure_bytes(figure, kind) for name, figure in figures.items() for kind in FORMATS}


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
    colors = {INK: "currentColor", PAPER: "var(--paper)"}
    colors |= {color: f"var(--series-{number})" for number, color in enumerate(SERIES)}
    for color, variable in colors.items():
        text = text.replace(color, variable)
    return {"viewbox": Markup(viewbox.group(1) if viewbox else ""), "content": Markup(text)}


def study_figures(results: StudyResults) -> dict[str, Figure]:
    """Return the figures of a study by name; none of experiments without a finished run."""
    if not any(run.finished for run in results.runs):
        return {}
    figures = {"learning_curves": learning_curves(results), "final_evaluation": final_evaluation(results)}
    for name, runs in results.experiments.items():
        cycles = {_label(run): run.gait_cycle for run in runs if run.finished}
        if cycles:
            figures[f"gait_{name}"] = gait_cycle_figure(cycles)
    return figures


# --- learning curves ---


@_style()
def learning_curves(results: StudyResults) -> Figure:
    """Draw imitation reward and share of stable episodes over samples and over wall time.

    A thin line is a seed, the thick one their interquartile mean, from three seeds on with its 95 % interval. A seed
    that has ended counts with its last value, one that diverged too.
    """
    figure = Figure(figsize=(_WIDTH_IN, 4.2), layout="constrained")
    panels = figure.subplots(2, 2, sharex="col", sharey="row")
    looks = _looks(results.experiments)
    curves = {name: [_curve(run) for run in runs if run.finished] for name, runs in results.experiments.items()}
    every = [curve for members in curves.values() for curve in members]
    largest = max(curve["samples"].max(initial=0) for curve in every)
    unit, scale = ("million", 1e6) if largest >= 2e6 else ("thousand", 1e3)
    for row, value in zip(panels, ("reward", "stable"), strict=True):
        for axes, time, divisor in zip(row, ("samples", "seconds"), (scale, 60), strict=True):
            for name, look in looks.items():
                drawn = [curve | {"x": curve[time] / divisor, "y": curve[value]} for curve in curves[name]]
                _draw_curves(axes, drawn, look)
    panels[0, 0].set(ylabel="imitation reward", ylim=(0, 1.02))
    panels[1, 0].set(ylabel="stable episodes [%]", ylim=(-3, 105), xlabel=f"samples [{unit}]")
    panels[1, 1].set(xlabel="wall time [min]")
    for axes in panels[1]:
        axes.set_xlim(left=0)
    figure.align_ylabels()
    handles: dict[str, Artist] = {
        name: _line(**look._asdict(), **_THICK) for name, look in looks.items() if curves[name]
    }
    for label, (marker, column) in {"first success": ("o", "first"), "diverged": ("x", "diverged")}.items():
        if any(curve[column].any() for curve in every):
            handles[label] = _line(color=INK, **_MARKERS[marker])
    _legend(figure, handles)
    return figure


def _curve(run: RunResult) -> Arrays:
    """Return a finished run's evaluations, of a diverged one also the final one, which comes after them.

    Keys ``samples, seconds, reward, stable`` [%], and where ``first`` success and where the run ``diverged``.
    """
    table, outcome = run.evaluations, run.outcome or {}
    names = ("samples", "training_seconds", "imitation_reward", "stable", "episodes")
    # A budget below the first evaluation leaves a table without columns.
    samples, seconds, reward, stable, episodes = (_column(table, name) if len(table) else np.zeros(0) for name in names)
    share = 100 * stable / episodes
    diverged = np.zeros(len(samples), dtype=bool)
    if run.status == "diverged" and run.episodes is not None:
        end = aggregate.figures(run.episodes)
        samples, seconds = np.append(samples, outcome["samples"]), np.append(seconds, outcome["train_seconds"])
        reward, share = np.append(reward, end["reward"]), np.append(share, 100 * end["stable_share"])
        diverged = np.append(diverged, True)
    first = samples == (outcome["first_success_samples"] or np.nan)
    return dict(samples=samples, seconds=seconds, reward=reward, stable=share, first=first, diverged=diverged)


def _draw_curves(axes: Axes, curves: Sequence[Arrays], look: _Look) -> None:
    """Draw the seeds of an experiment, ``y`` over ``x``, and what they have in common."""
    curves = [curve for curve in curves if len(curve["x"])]
    for curve in curves:
        axes.plot(curve["x"], curve["y"], **look._asdict(), **_THIN)
        for column, marker in (("first", "o"), ("diverged", "x")):
            if curve[column].any():  # to the layout an empty line that is not clipped lies anywhere
                x, y = curve["x"][curve[column]], curve["y"][curve[column]]
                axes.plot(x, y, color=look.color, **_MARKERS[marker], zorder=4, clip_on=False)
    if curves:
        middle = mean_curve([(curve["x"], curve["y"]) for curve in curves])
        axes.plot(middle["x"], middle["iqm"], **look._asdict(), **_THICK, zorder=3)
        axes.fill_between(middle["x"], middle["low"], middle["high"], color=look.color, **_BAND)


def mean_curve(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> Arrays:
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
    found = [summarize(column.tolist()) for column in values.T]
    columns = np.array([(estimate.iqm, estimate.low, estimate.high) for estimate in found]).T
    return {"x": x, **dict(zip(("iqm", "low", "high"), columns, strict=True))}


# --- gait cycle ---

_ANGLES = ("mean", "sd", "reference", "published_mean", "published_sd")
_REFERENCE, _PUBLISHED = "reference", "people, mean ± SD"


@_style()
def gait_cycle_figure(cycles: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw joint angles over the gait cycle, right and left side by side, with the reference and those of people.

    Args:
        cycles: By label, tables with columns ``joint``, ``phase``, ``reference_rad`` and, as far as there are any,
            ``mean_rad``, ``sd_rad``, ``published_mean_rad``, ``published_sd_rad``; NaN where nothing is known. The
            spread is drawn where there is one table only; the reference and the published gait are the first table's.
    """
    first, looks = next(iter(cycles.values())), _looks(cycles)
    joints = dict.fromkeys(first["joint"])
    names = list(dict.fromkeys(str(joint).removesuffix("_r").removesuffix("_l") for joint in joints))
    figure = Figure(figsize=(_WIDTH_IN, 0.6 + 1.35 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 2, sharex=True, sharey="row", squeeze=False)
    handles: dict[str, Artist] = {}
    for row, name in zip(panels, names, strict=True):
        for axes, joint in zip(row, (name, None) if name in joints else (f"{name}_r", f"{name}_l"), strict=True):
            if joint is None or joint not in joints:
                axes.set_axis_off()
                continue
            handles |= _draw_target(axes, _angles(first, joint))
            for label, table in cycles.items():
                handles |= _draw_angles(axes, _angles(table, joint), label, looks[label], spread=len(cycles) == 1)
        row[0].set_ylabel("\n".join([*name.split("_", 1)]).replace("_", " ") + " [°]")
    for axes, side in zip(panels[0], ("right", "left"), strict=True):
        axes.set_title(side)
    for axes in panels[-1]:
        axes.set(xlabel="gait cycle [%]", xlim=(0, 100), xticks=[0, 25, 50, 75, 100])
    figure.align_ylabels()
    _legend(figure, {label: handles[label] for label in (*cycles, _REFERENCE, _PUBLISHED) if label in handles})
    return figure


def _angles(table: pd.DataFrame, joint: str) -> Arrays:
    """Return a joint's angles [°] over percent of the cycle, shape ``(101,)`` each; NaN where the table has none."""
    rows = table.loc[table["joint"] == joint]
    nothing = np.full(len(rows), np.nan)
    angles = {n: np.degrees(_column(rows, f"{n}_rad")) if f"{n}_rad" in rows else nothing for n in _ANGLES}
    return {"percent": 100 * _column(rows, "phase"), **angles}


def _draw_target(axes: Axes, angles: Arrays) -> dict[str, Artist]:
    handles: dict[str, Artist] = {}
    middle, spread = angles["published_mean"], angles["published_sd"]
    if np.isfinite(middle).any():
        axes.fill_between(angles["percent"], middle - spread, middle + spread, color=INK, alpha=0.13, linewidth=0)
        axes.plot(angles["percent"], middle, color=INK, alpha=0.35, linewidth=0.9)
        handles[_PUBLISHED] = Patch(color=INK, **_BAND)
    if np.isfinite(angles["reference"]).any():
        axes.plot(angles["percent"], angles["reference"], **_TARGET, zorder=4)
        handles[_REFERENCE] = _line(**_TARGET)
    return handles


def _draw_angles(axes: Axes, angles: Arrays, label: str, look: _Look, *, spread: bool) -> dict[str, Artist]:
    middle, sd = angles["mean"], angles["sd"]
    if not np.isfinite(middle).any():
        return {}
    axes.plot(angles["percent"], middle, **look._asdict(), linewidth=1.6, zorder=3)
    if spread:
        axes.fill_between(angles["percent"], middle - sd, middle + sd, color=look.color, **_BAND)
    return {label: _line(**look._asdict(), linewidth=1.6)}


# --- final evaluation ---

_METRICS = {
    "stable_share": ("stable\nepisodes [%]", 100),
    "reward": ("imitation\nreward", 1),
    "speed_mps": ("speed\n[m/s]", 1),
    "joint_error_deg": ("joint\nerror [°]", 1),
}
_SEED, _DIVERGED, _INTERVAL, _ASKED = "a seed", "diverged seed", "IQM, 95 % interval", "asked speed"


@_style()
def final_evaluation(results: StudyResults) -> Figure:
    """Draw what the final policies do: a dot a seed, from three seeds on the interquartile mean and its 95 % interval.

    Seeds that diverged have another symbol and count; missing ones are named beside their experiment.
    """
    runs, names = aggregate.runs_table(results), list(results.experiments)
    figure = Figure(figsize=(_WIDTH_IN, 0.9 + 0.6 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(_METRICS), sharey=True)
    handles: dict[str, Artist] = {}
    for axes, (metric, (title, scale)) in zip(panels, _METRICS.items(), strict=True):
        axes.set_title(title)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.margins(x=0.15)
        axes.grid(visible=False, axis="y")
        axes.tick_params(left=False)
        axes.spines["left"].set_visible(False)
        for place, (name, look) in enumerate(_looks(names).items()):
            seeds = runs.loc[(runs["experiment"] == name) & (runs["status"] != "missing")]
            if metric == "speed_mps" and len(seeds):
                asked = _column(seeds, "reference_speed_mps")[0]
                axes.vlines(asked, place - 0.36, place + 0.36, color=INK, linewidth=1.2)
                handles[_ASKED] = _line(color=INK, **_MARKERS["|"])
            diverged = np.array([status == "diverged" for status in seeds["status"]], dtype=bool)
            handles |= _draw_seeds(axes, scale * _column(seeds, metric), diverged, place, look)
    panels[0].set(xlim=(-6, 106), xticks=[0, 50, 100], ylim=(len(names) - 0.5, -0.5))
    panels[0].set_yticks(range(len(names)), [_row_label(name, results.experiments[name]) for name in names])
    _legend(figure, {label: handles[label] for label in (_SEED, _DIVERGED, _INTERVAL, _ASKED) if label in handles})
    return figure


def _draw_seeds(axes: Axes, values: np.ndarray, diverged: np.ndarray, place: int, look: _Look) -> dict[str, Artist]:
    """Draw an experiment's seeds around the height `place`, one above the other so that equal values stay apart."""
    handles: dict[str, Artist] = {}
    if len(values) >= SEEDS_FOR_INTERVAL:
        found = summarize(values.tolist())
        axes.barh(place, found.high - found.low, 0.56, left=found.low, color=look.color, **_BAND)
        axes.vlines(found.iqm, place - 0.28, place + 0.28, color=look.color, **_THICK)
        handles[_INTERVAL] = Patch(color=INK, **_BAND)
    heights = place + (np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(len(values)))
    for chosen, marker, label in ((~diverged, "o", _SEED), (diverged, "x", _DIVERGED)):
        if chosen.any():
            axes.plot(values[chosen], heights[chosen], color=look.color, **_MARKERS[marker], zorder=4)
            handles[label] = _line(color=INK, **_MARKERS[marker])
    return handles


def _row_label(name: str, runs: Sequence[RunResult]) -> str:
    missing = ", ".join(str(run.seed) for run in runs if not run.finished)
    return "\n".join(textwrap.wrap(name, 16) + textwrap.wrap(f"seed {missing} missing" if missing else "", 16))


# --- what all have in common ---


def _column(table: pd.DataFrame, name: str) -> np.ndarray:
    return np.asarray(table[name], dtype=float)


def _label(run: RunResult) -> str:
    return f"seed {run.seed}" + (" (diverged)" if run.status == "diverged" else "")


def _looks(names: Sequence[str] | Mapping[str, object]) -> dict[str, _Look]:
    """Return a look for each name; when all colours are used they come again, with other dashes."""
    numbered = ((name, *divmod(number, len(SERIES))) for number, name in enumerate(names))
    return {name: _Look(SERIES[color], _DASHES[turn % len(_DASHES)]) for name, turn, color in numbered}


def _line(**how: Any) -> Artist:
    """Return what a legend shows for a line or a marker."""
    return Line2D([], [], **how)


def _legend(figure: Figure, handles: Mapping[str, Artist]) -> None:
    """Put a legend above the panels, in as few rows as have room, and make the figure higher by what it takes."""
    labels = list(handles)
    for rows in range(1, len(labels) + 1):
        columns = [labels[start : start + rows] for start in range(0, len(labels), rows)]
        if rows == len(labels) or sum(max(map(len, column)) + 5 for column in columns) <= _LEGEND_CHARACTERS:
            figure.legend(list(handles.values()), labels, loc="outside upper center", ncols=len(columns))
            figure.set_figheight(figure.get_figheight() + 0.21 * rows)
            return
