"""Tables as text: CSV with all figures; Markdown, LaTeX and one line per experiment with the headline metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mimicrl.analysis import formatting, statistics
from mimicrl.runs.summary import STABLE_SHARE, MetricSummary

FEW_SEEDS = "with 3 to 5 seeds the interval contains the true value less often, in about 75 to 90 % of cases"
"""Measured on normally distributed values, see ``tests/analysis/test_statistics.py``."""
_MIXED = "†"

_TRAINING_TIME = MetricSummary(
    name="train_seconds",
    value=None,
    heading="Training time",
    unit="s",
    digits=0,
    scale=1.0,
    better="lower",
    meaning="The wall time of training, all attempts together.",
    headline=True,
    target=None,
    bounds=None,
)
"""It is shown like a metric, though no evaluation measures it."""
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": "$<$",
        ">": "$>$",
        "±": r"$\pm$",
        "°": r"$^\circ$",
        "–": "--",
        _MIXED: r"$^\dagger$",
    }
    | {character: f"\\{character}" for character in "&%$#_{}"}
)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows by column name, with None for what is missing."""
    plain = table.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def csv(table: pd.DataFrame) -> str:
    """Return a table as CSV: empty where a figure is missing, a list of values separated by spaces."""
    plain = table.copy()
    for name in plain:
        if str(name).endswith("_values"):
            plain[name] = [" ".join(repr(float(value)) for value in values) for values in plain[name]]
    return plain.to_csv(index=False, lineterminator="\n")


def markdown(table: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """Return a table of text as Markdown, its columns aligned, with notes below."""
    rows = [[str(cell).replace("|", r"\|") for cell in row] for row in (table.columns, *table.to_numpy())]
    widths = [max(len(row[k]) for row in rows) for k in range(len(table.columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n" + "".join(f"\n{note}\n" for note in notes)


def latex(table: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """Return a table of text as a LaTeX tabular for the package booktabs, with notes below it."""
    tabular = table.map(latex_escape).rename(columns=latex_escape).to_latex(index=False)
    below = "".join(f"\\par{{\\footnotesize {latex_escape(note)}\\par}}\n" for note in notes)
    return "% needs \\usepackage{booktabs}\n" + tabular + below


def latex_escape(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return text.translate(_LATEX)


def headline_metrics(metrics: Iterable[MetricSummary]) -> list[MetricSummary]:
    """Return the metrics that the short tables and the figure of the final evaluation show."""
    return [metric for metric in metrics if metric.headline]


def heading(metric: MetricSummary) -> str:
    """Return such as ``Speed (target) [m/s]``."""
    return metric.heading + (" (target)" if metric.target else "") + (f" [{metric.unit}]" if metric.unit else "")


def cell(metric: MetricSummary, row: dict[str, Any]) -> str:
    """Return a metric of a run, and its target where it has one, such as ``1.21 (1.25)``."""
    return figure(metric, row[metric.name]) + _target(metric, row)


def figure(metric: MetricSummary, value: float | None) -> str:
    """Return a value of a metric as it is shown, without its unit."""
    return formatting.number(None if value is None else metric.scale * value, metric.digits)


def experiments_text(experiments: pd.DataFrame, metrics: Sequence[MetricSummary]) -> pd.DataFrame:
    """Return columns of `aggregate.experiments_table` as text, with units in the headings.

    With three seeds or more a cell reads ``mean ± SD (IQM x [low, high])``; with fewer it lists the seeds' values.

    Args:
        experiments: The table.
        metrics: The metrics to show.
    """
    return pd.DataFrame(
        {
            "Experiment": row["experiment"] + (_MIXED if row["mixed"] else ""),
            "Seeds": _seeds(row),
            "First success [samples]": _first_successes(row),
        }
        | {heading(metric): over_seeds(row, metric, "IQM ", spread=True) for metric in (*metrics, _TRAINING_TIME)}
        for row in records(experiments)
    )


def notes(experiments: pd.DataFrame) -> list[str]:
    """Return what a reader of `experiments_text` must know."""
    found = [
        f"Mean ± standard deviation over seeds; with fewer than {statistics.SEEDS_FOR_INTERVAL} seeds, the value of "
        "each seed. IQM is the interquartile mean. Its interval, in brackets, is the "
        f"{100 * statistics.CONFIDENCE:.0f} % percentile bootstrap over seeds ({statistics.RESAMPLES:,} resamples, "
        f"random seed {statistics.SEED}); {FEW_SEEDS}. Diverged seeds count with their last finite policy.",
        "First success is the number of samples until all episodes of two evaluations in a row are stable. The table "
        "shows the median over seeds. Seeds that never succeeded count as more than the budget.",
    ]
    mixed = [f"{row['experiment']} ({row['mixed']})" for row in records(experiments) if row["mixed"]]
    if mixed:
        found.append(f"{_MIXED} The runs of an experiment were made with different versions: {', '.join(mixed)}.")
    return found


def headline(experiments: pd.DataFrame, metrics: Sequence[MetricSummary]) -> list[str]:
    """Return one plain line per experiment, for the terminal."""
    lines = []
    for row in records(experiments):
        parts = [_seeds(row, " seeds")]
        if row["missing"] < row["seeds"]:
            shown = [metric for metric in metrics if metric.name != STABLE_SHARE]
            parts += [f"{row['stable_episodes']} of {row['episodes']} episodes stable"]
            parts += [f"{heading(metric).lower()} {over_seeds(row, metric, 'IQM ')}" for metric in shown]
            parts += [f"first success {_first_successes(row, ' samples')}"]
        lines.append(f"{row['experiment']}: {'; '.join(parts)}")
    return lines


def _seeds(row: dict[str, Any], noun: str = "") -> str:
    """Return such as ``4 of 5 (1 diverged, 1 missing)``: how many seeds were evaluated."""
    rest = ", ".join(f"{row[status]} {status}" for status in ("diverged", "missing") if row[status])
    return f"{row['seeds'] - row['missing']} of {row['seeds']}{noun}" + (f" ({rest})" if rest else "")


def first_success(samples: float | None, budget: int) -> str:
    """Return the samples at a seed's first success; None or infinite is shown as more than the budget."""
    return f"{samples:,.0f}" if samples is not None and np.isfinite(samples) else f"> {budget:,}"


def over_seeds(row: dict[str, Any], metric: MetricSummary, name: str = "", *, spread: bool = False) -> str:
    """Return a metric's interquartile mean, after `name`, with its interval; below three seeds the value of each.

    With `spread`, the mean and the standard deviation stand before them.
    """
    values = row[f"{metric.name}_values"]
    if len(values) == 0:
        return formatting.NOTHING
    if len(values) < statistics.SEEDS_FOR_INTERVAL:
        text = ", ".join(figure(metric, value) for value in values)
    else:
        keys = ("mean", "sd", "iqm", "ci_low", "ci_high")
        mean, sd, middle, low, high = (figure(metric, row[f"{metric.name}_{key}"]) for key in keys)
        text = f"{name}{middle} [{low}, {high}]"
        if spread:
            text = f"{mean} ± {sd} ({text})"
    return text + _target(metric, row)


def _target(metric: MetricSummary, row: dict[str, Any]) -> str:
    target = row.get(metric.target) if metric.target else None
    return "" if target is None else f" ({figure(metric, target)})"


def _first_successes(row: dict[str, Any], noun: str = "") -> str:
    """Return such as ``93,248 [81,920, > 400,000] (4 of 5)``: the median and how many seeds succeeded."""
    values, budget = row["first_success_samples_values"], row["total_timesteps"]
    if len(values) == 0:
        return formatting.NOTHING
    if len(values) < statistics.SEEDS_FOR_INTERVAL:
        cell = ", ".join(first_success(value, budget) for value in values)
    else:
        keys = ("median", "ci_low", "ci_high")
        median, low, high = (first_success(row[f"first_success_samples_{key}"], budget) for key in keys)
        cell = f"{median} [{low}, {high}]"
    return f"{cell}{noun} ({row['first_success_reached']} of {len(values)})"
