"""The figures of a study: from the results of its runs to the arrays that `mimicrl.figures` draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mimicrl.analysis import aggregate, statistics, tables
from mimicrl.analysis.load import EVALUATION_COLUMNS, RunResult, StudyResults
from mimicrl.figures.final_evaluation import Panel, SeedValues, final_evaluation
from mimicrl.figures.gait_cycle import gait_cycle_figure
from mimicrl.figures.learning_curves import (
    TIMES,
    VALUES,
    ExperimentCurves,
    MeanCurve,
    SeedCurve,
    learning_curves,
)
from mimicrl.runs.layout import STUDY_FIGURES, gait_figure
from mimicrl.runs.summary import REWARD, STABLE_SHARE, MetricSummary

_FROM_THREE_SEEDS = (
    f"from {statistics.SEEDS_FOR_INTERVAL} seeds on with its {100 * statistics.CONFIDENCE:.0f} % interval"
)


@dataclass(frozen=True, eq=False)
class StudyFigure:
    """A figure of a study, with its title and its caption on the page."""

    title: str
    caption: str
    figure: Figure


def study_figures(results: StudyResults) -> dict[str, StudyFigure]:
    """Return the figures of a study by name. Experiments without a finished run have none of their own."""
    if not any(run.finished for run in results.runs):
        return {}
    curves, final = STUDY_FIGURES
    figures = {
        curves: StudyFigure(
            "Learning curves",
            "Evaluations during training, over samples and over wall time. A thin line is one seed. A thick line is "
            f"the interquartile mean of an experiment's seeds, {_FROM_THREE_SEEDS}. A seed that has ended counts with "
            "its last value.",
            learning_curves({name: _curves(runs) for name, runs in results.experiments.items()}),
        ),
        final: StudyFigure(
            "Final evaluation",
            f"The headline metrics of the final policies: one dot per seed, and the interquartile mean, "
            f"{_FROM_THREE_SEEDS}.",
            _final_evaluation(results),
        ),
    }
    for name, runs in results.experiments.items():
        cycles = {_label(run): run.gait_cycle for run in runs if run.finished}
        if cycles:
            figures[gait_figure(name)] = StudyFigure(
                f"Gait cycle of {name}",
                "Mean joint angles in the final evaluation of each seed, with their standard deviation if there is one "
                "seed only; the reference; and published angles of people, where there are any.",
                gait_cycle_figure(cycles),
            )
    return figures


def _label(run: RunResult) -> str:
    return f"seed {run.seed}" + (" (diverged)" if run.status == "diverged" else "")


def _curves(runs: Sequence[RunResult]) -> ExperimentCurves:
    seeds = [seed_curve(run) for run in runs if run.finished]
    means = {}
    for time in TIMES:
        known = [seed for seed in seeds if len(seed.samples) and np.isfinite(getattr(seed, time)).all()]
        if known:
            for value in VALUES:
                curves = [(getattr(seed, time), getattr(seed, value)) for seed in known]
                means[time, value] = MeanCurve(*statistics.mean_curve(curves))
    return ExperimentCurves(seeds, means)


def seed_curve(run: RunResult) -> SeedCurve:
    """Return a finished run's evaluations. Of a diverged run the final evaluation is the last point of the curve."""
    outcome, summary = run.outcome, run.summary
    assert outcome is not None and summary is not None  # as the run is finished
    table = run.evaluations.reindex(
        columns=[*EVALUATION_COLUMNS, "training_seconds"]
    )  # earlier versions lack the times
    points = table.to_numpy(dtype=float)
    diverged = run.status == "diverged"
    if diverged:
        timed = "training_seconds" in run.evaluations or not len(table)
        seconds = outcome.train_seconds if timed else np.nan
        end = [outcome.samples, summary.values[REWARD], summary.values[STABLE_SHARE], seconds]
        points = np.vstack([points, np.array(end, dtype=float)])
    samples, reward, share, seconds = points.T
    last = np.arange(len(samples)) == len(samples) - 1
    return SeedCurve(
        samples=samples,
        seconds=seconds,
        reward=reward,
        stable_share=100 * share,
        first_success=samples == (outcome.first_success_samples or np.nan),
        diverged=last & diverged,
    )


def _final_evaluation(results: StudyResults) -> Figure:
    missing = {name: [run.seed for run in runs if not run.finished] for name, runs in results.experiments.items()}
    rows = tables.records(aggregate.runs_table(results))
    panels = []
    for metric in tables.headline_metrics(results.metrics.values()):
        values = [_seed_values(metric, [row for row in rows if row["experiment"] == name]) for name in missing]
        unit = f" [{metric.unit}]" if metric.unit else ""
        bounds = metric.bounds and (metric.scale * metric.bounds[0], metric.scale * metric.bounds[1])
        panels.append(Panel(metric.heading.lower() + unit, values, bounds))
    return final_evaluation(missing, panels)


def _seed_values(metric: MetricSummary, rows: Sequence[dict[str, Any]]) -> SeedValues:
    """Return a metric of an experiment's seeds, in its unit, from the rows of the runs' table."""
    rows = [row for row in rows if row[metric.name] is not None]
    values = [metric.scale * row[metric.name] for row in rows]
    found = statistics.summarize(values)
    return SeedValues(
        values=np.array(values, dtype=float),
        diverged=np.array([row["status"] == "diverged" for row in rows], dtype=bool),
        interval=(found.iqm, found.low, found.high) if len(values) >= statistics.SEEDS_FOR_INTERVAL else None,
        target=metric.scale * rows[0][metric.target] if metric.target and rows else None,
    )
