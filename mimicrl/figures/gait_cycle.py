"""The figure of joint angles over the gait cycle, beside those of the reference and of people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mimicrl.figures import style

Arrays = dict[str, np.ndarray]

_ANGLES = ("mean", "sd", "reference", "published_mean", "published_sd")
_SEED, _REFERENCE, _PUBLISHED = "one seed", "reference", "people, mean ± SD"
_MANY: dict[str, Any] = {"color": style.INK, "linewidth": 0.5, "alpha": 0.3}
_MANY_STEP = 2  # only every second phase is drawn, or a hundred seeds would take megabytes of the page
_TARGET: dict[str, Any] = {"color": style.INK, "linestyle": (0, (4, 2)), "linewidth": 1.2}


@style.style()
def gait_cycle_figure(cycles: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw joint angles over the gait cycle, right and left side by side, with those of the reference and of people.

    The standard deviation is drawn if there is one table only. More seeds than can be told apart are drawn thin, grey
    and without a name.

    Args:
        cycles: By label, tables with the columns ``joint``, ``phase``, ``reference_rad`` and, if known, ``mean_rad``,
            ``sd_rad``, ``published_mean_rad``, ``published_sd_rad``; NaN where nothing is known. The reference and the
            published gait are taken from the first table.
    """
    first, looks = next(iter(cycles.values())), style.looks(cycles)
    joints = dict.fromkeys(first["joint"])
    names = list(dict.fromkeys(str(joint).removesuffix("_r").removesuffix("_l") for joint in joints))
    figure = Figure(figsize=(style.WIDTH_IN, 0.6 + 1.35 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 2, sharex=True, sharey="row", squeeze=False)
    handles: dict[str, Artist] = {}
    for row, name in zip(panels, names, strict=True):
        for axes, joint in zip(row, (name, None) if name in joints else (f"{name}_r", f"{name}_l"), strict=True):
            if joint is None or joint not in joints:
                axes.set_axis_off()
                continue
            handles |= _draw_target(axes, _angles(first, joint))
            angles = {label: _angles(table, joint) for label, table in cycles.items()}
            if len(cycles) > style.LOOKS:
                handles |= _draw_many(axes, angles.values())
                continue
            for label, of_seed in angles.items():
                handles |= _draw_angles(axes, of_seed, label, looks[label], spread=len(cycles) == 1)
        row[0].set_ylabel("\n".join([*name.split("_", 1)]).replace("_", " ") + " [°]")
    for axes, side in zip(panels[0], ("right", "left"), strict=True):
        axes.set_title(side)
    for axes in panels[-1]:
        axes.set(xlabel="gait cycle [%]", xlim=(0, 100), xticks=[0, 25, 50, 75, 100])
    figure.align_ylabels()
    style.legend(
        figure, {label: handles[label] for label in (*cycles, _SEED, _REFERENCE, _PUBLISHED) if label in handles}
    )
    return figure


def _angles(table: pd.DataFrame, joint: str) -> Arrays:
    """Return a joint's angles [°] over percent of the cycle, shape ``(101,)`` each; NaN where the table has none."""
    rows = table.loc[table["joint"] == joint].reindex(columns=["phase", *(f"{name}_rad" for name in _ANGLES)])
    percent, *angles = rows.to_numpy(dtype=float).T
    return {"percent": 100 * percent} | dict(zip(_ANGLES, np.degrees(angles), strict=True))


def _draw_target(axes: Axes, angles: Arrays) -> dict[str, Artist]:
    handles: dict[str, Artist] = {}
    percent, middle, spread = (angles[key] for key in ("percent", "published_mean", "published_sd"))
    if np.isfinite(middle).any():
        axes.fill_between(percent, middle - spread, middle + spread, color=style.INK, alpha=0.13, linewidth=0)
        axes.plot(percent, middle, color=style.INK, alpha=0.35, linewidth=0.9)
        handles[_PUBLISHED] = Patch(color=style.INK, **style.BAND)
    if np.isfinite(angles["reference"]).any():
        axes.plot(percent, angles["reference"], **_TARGET, zorder=4)
        handles[_REFERENCE] = style.line(**_TARGET)
    return handles


def _draw_angles(axes: Axes, angles: Arrays, label: str, look: style.Look, *, spread: bool) -> dict[str, Artist]:
    middle, sd = angles["mean"], angles["sd"]
    if not np.isfinite(middle).any():
        return {}
    axes.plot(angles["percent"], middle, **look._asdict(), linewidth=1.6, zorder=3)
    if spread:
        axes.fill_between(angles["percent"], middle - sd, middle + sd, color=look.color, **style.BAND)
    return {label: style.line(**look._asdict(), linewidth=1.6)}


def _draw_many(axes: Axes, seeds: Iterable[Arrays]) -> dict[str, Artist]:
    """Draw many seeds as one line with gaps."""
    lines = [(angles["percent"][::_MANY_STEP], angles["mean"][::_MANY_STEP]) for angles in seeds]
    percent, middle = (np.concatenate([np.append(line[axis], np.nan) for line in lines]) for axis in (0, 1))
    if not np.isfinite(middle).any():
        return {}
    axes.plot(percent, middle, **_MANY, zorder=3)
    return {_SEED: style.line(**_MANY)}
