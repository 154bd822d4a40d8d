"""Turn the runs of a study into its tables: one row per run, and one row per experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from mimicrl import artifacts
from mimicrl.analysis import statistics, tables
from mimicrl.analysis.load import RunResult, StudyResults
from mimicrl.runs import layout
from mimicrl.runs.records import Bootstrap, Manifest, ManifestRun, Provenance

_TRAINING = {
    "experiment": "str",
    "seed": "int64",
    "status": "str",
    "problem": "str",
    "samples": "Int64",
    "total_timesteps": "Int64",
    "first_success_samples": "Int64",
    "first_success_simulated_s": "float64",
    "success_reached": "boolean",
    "train_seconds": "float64",
    "evaluation_seconds": "float64",
}
_EVALUATION = {
    "episodes": "Int64",
    "stable_episodes": "Int64",
    "stable_distance_m": "float64",
    "reference_speed_mps": "float64",
}
_ORIGIN = {
    "code_sha256": "code.sha256",
    "lock_sha256": "lock_sha256",
    "container": "container.sha256",
    "host": "host",
    "cpu": "cpu.model",
}
"""For each column that says where a run comes from, the place in the record of its training."""


@dataclass(frozen=True, eq=False)
class Aggregate:
    """A study's tables.

    Attributes:
        runs: One row per run, `runs_table`.
        experiments: One row per experiment, `experiments_table`.
        headline: One line per experiment.
        tables: The content of each file in ``tables/``, by its name.
        manifest: What the tables were made from.
    """

    runs: pd.DataFrame
    experiments: pd.DataFrame
    headline: tuple[str, ...]
    tables: dict[str, bytes]
    manifest: Manifest


def tabulate(results: StudyResults) -> Aggregate:
    """Return a study's tables; the same runs give the same bytes."""
    runs, experiments = runs_table(results), experiments_table(results)
    shown = tables.headline_metrics(results.metrics.values())
    text, notes = tables.experiments_text(experiments, shown), tables.notes(experiments)
    headline = tables.headline(experiments, shown)
    forms: dict[str, Callable[[pd.DataFrame], bytes]] = {
        "parquet": artifacts.parquet_bytes,
        "csv": lambda table: tables.csv(table).encode(),
        "md": lambda _: tables.markdown(text, notes).encode(),
        "tex": lambda _: tables.latex(text, notes).encode(),
    }
    contents = {f"runs.{kind}": forms[kind](runs) for kind in layout.RUNS_FORMATS}
    contents |= {f"experiments.{kind}": forms[kind](experiments) for kind in layout.EXPERIMENTS_FORMATS}
    contents[layout.HEADLINE] = ("\n".join(headline) + "\n").encode()
    return Aggregate(runs, experiments, tuple(headline), contents, _manifest(results, runs, contents))


def runs_table(results: StudyResults) -> pd.DataFrame:
    """Return one row per run. The row of a missing run has no figures, and its `problem` says why.

    There is a column for each metric that a run of the study has, in the unit that its name says. It is empty for runs
    without that metric.
    """
    metrics = dict.fromkeys(results.metrics, "float64")
    types = _TRAINING | _EVALUATION | metrics | {"fingerprint": "str", "weights_sha256": "str"}
    types |= dict.fromkeys(_ORIGIN, "str")
    return pd.DataFrame(_rows(results, results.runs), columns=list(types)).astype(types)


def experiments_table(results: StudyResults) -> pd.DataFrame:
    """Return one row per experiment; statistics are over its evaluated seeds, never over episodes.

    Seeds that diverged count with their last finite policy: leaving them out would flatter. Each metric, and
    `train_seconds`, has columns ``_values`` (one per seed), ``_mean``, ``_sd``, ``_iqm``, ``_ci_low`` and ``_ci_high``
    (of the interquartile mean). In `first_success_samples_median` seeds that never succeeded count as infinite. `mixed`
    names what differs between the runs: code, lock, container.
    """
    names = (*results.metrics, "train_seconds")
    return pd.DataFrame(
        [_experiment_row(name, names, _rows(results, runs), runs) for name, runs in results.experiments.items()]
    )


def _rows(results: StudyResults, runs: tuple[RunResult, ...]) -> list[dict[str, Any]]:
    return [_row(run, results.config["experiments"][run.experiment]) for run in runs]


def _row(run: RunResult, experiment: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a run. The table takes from it what it has a column for."""
    row: dict[str, Any] = {"total_timesteps": experiment["training"]["total_timesteps"]}
    if run.outcome is not None and run.summary is not None:
        row |= dict(run.outcome) | dict(run.summary) | run.summary.values
        row["success_reached"] = run.outcome.first_success_samples is not None
    row |= {name: getattr(run, name) for name in ("experiment", "seed", "status", "problem", "fingerprint")}
    return row | _origin(run.provenance.get("train"))


def _origin(record: Provenance | None) -> dict[str, str | None]:
    """Return where the result of a stage comes from; empty without a record."""
    return {name: record and attrgetter(place)(record) for name, place in _ORIGIN.items()}


def _experiment_row(
    name: str, metrics: tuple[str, ...], rows: list[dict[str, Any]], runs: tuple[RunResult, ...]
) -> dict[str, Any]:
    """Return an experiment's row from those of its runs."""
    finished = [row for row in rows if row["status"] != "missing"]
    result: dict[str, Any] = {"experiment": name, "seeds": len(rows)}
    for status in ("completed", "diverged", "missing"):
        result[status] = sum(row["status"] == status for row in rows)
    for count in ("stable_episodes", "episodes"):
        result[count] = sum(row[count] for row in finished)
    result |= {"total_timesteps": max(row["total_timesteps"] for row in rows), **_first_success(finished)}
    result["reference_speed_mps"] = statistics.mean([row["reference_speed_mps"] for row in finished])
    for metric in metrics:
        values = [row[metric] for row in finished if row.get(metric) is not None]
        result |= _columns(metric, statistics.summarize(values))
    return result | {"mixed": ", ".join(_mixed(runs))}


def _first_success(finished: list[dict[str, Any]]) -> dict[str, Any]:
    samples, seconds = (
        statistics.summarize_censored([np.inf if row[name] is None else row[name] for row in finished])
        for name in ("first_success_samples", "first_success_simulated_s")
    )
    return {
        "first_success_reached": samples.reached,
        **_columns("first_success_samples", samples),
        "first_success_simulated_s_median": seconds.median,
    }


def _columns(name: str, summary: statistics.Estimate | statistics.CensoredMedian) -> dict[str, Any]:
    """Return a summary's figures as columns, ``_ci_low`` and ``_ci_high`` for the ends of the interval."""
    interval = {"low": "ci_low", "high": "ci_high"}
    return {f"{name}_{interval.get(key, key)}": value for key, value in asdict(summary).items()}


def _mixed(runs: tuple[RunResult, ...]) -> list[str]:
    """Return in what the trainings and evaluations of an experiment's finished runs differ."""
    records = [run.provenance.get(verb) for run in runs if run.finished for verb in ("train", "evaluate")]
    origins = [_origin(record) for record in records]
    keys = {"code": "code_sha256", "lock": "lock_sha256", "container": "container"}
    return [word for word, key in keys.items() if len({origin[key] for origin in origins}) > 1]


def _manifest(results: StudyResults, runs: pd.DataFrame, contents: dict[str, bytes]) -> Manifest:
    """Return what the tables were made from. It names neither machine nor time, so that it can be reproduced."""
    origins = {name: [None if pd.isna(value) else value for value in runs[name]] for name in ManifestRun.model_fields}
    return Manifest(
        study=results.name,
        bootstrap=Bootstrap(seed=statistics.SEED, resamples=statistics.RESAMPLES, confidence=statistics.CONFIDENCE),
        runs={
            run.name: ManifestRun.model_validate({name: values[k] for name, values in origins.items()})
            for k, run in enumerate(results.runs)
        },
        tables={name: artifacts.sha256(content) for name, content in contents.items()},
    )
