"""Write the page: collect what it shows, and render the template."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from mimicrl import yaml
from mimicrl.analysis import aggregate, formatting, statistics, tables
from mimicrl.analysis.load import RunResult, StudyResults
from mimicrl.analysis.report import provenance, videos
from mimicrl.analysis.report.configuration import changed_settings
from mimicrl.analysis.report.provenance import Origin
from mimicrl.analysis.study_figures import StudyFigure
from mimicrl.runs import Run, Study, layout
from mimicrl.runs.records import Provenance
from mimicrl.runs.summary import MetricSummary

MAX_PAGE_BYTES = 25_000_000

Record = dict[str, Any]


def page(results: StudyResults, drawn: Mapping[str, tuple[StudyFigure, bytes]], max_bytes: int = MAX_PAGE_BYTES) -> str:
    """Return the page as HTML.

    Args:
        results: The study.
        drawn: Its figures by name, each with the bytes of its SVG file.
        max_bytes: If the page would be larger, it links the largest videos instead of showing them.
    """
    records = tables.records(aggregate.runs_table(results))
    experiments = aggregate.experiments_table(results)
    metrics = list(results.metrics.values())
    headline = tables.headline_metrics(metrics)
    trainings = {run.name: run.provenance["train"] for run in results.runs if "train" in run.provenance}
    origins = provenance.origins(trainings)
    common, study = provenance.most_common(origins), Study(results.directory)
    content = {
        "study": results.name,
        "experiments": [_experiment(results, row, records, headline) for row in tables.records(experiments)],
        "metrics": metrics,
        "headline": headline,
        "table": tables.records(tables.experiments_text(experiments, headline)),
        "notes": tables.notes(experiments),
        "figures": [
            {"name": name, "title": figure.title, "caption": figure.caption, "source": _data_uri("image/svg+xml", svg)}
            for name, (figure, svg) in drawn.items()
        ],
        "formats": list(layout.FIGURE_FORMATS),
        "runs": [_run(results, run, record, common) for run, record in zip(results.runs, records, strict=True)],
        "table_links": _links(study.path, study.tables_directory, study.tables),
        "origins": _origins_table(origins, trainings),
        "statistics": statistics,
        "few_seeds": tables.FEW_SEEDS,
        "video_seconds": videos.SECONDS,
    }
    chosen = {name: choice for name, runs in results.experiments.items() if (choice := videos.choose(runs))}
    template = _templates().get_template("report.html.j2")
    films = {name: _video(results, choice) for name, choice in chosen.items()}
    room = max_bytes - len(template.render(**content, videos=films).encode())
    beginnings = {name: videos.beginning(choice.video, videos.SECONDS) for name, choice in chosen.items()}
    sources = {name: _data_uri("video/mp4", data) for name, data in beginnings.items()}
    for name, source in videos.that_fit(sources, room).items():
        films[name]["source"] = source
    return template.render(**content, videos=films)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=formatting.number, count=formatting.count, duration=formatting.duration, heading=tables.heading
    )
    environment.globals.update(cell=tables.cell)
    return environment


def _data_uri(kind: str, data: bytes) -> str:
    """Return an address that holds a whole file."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _links(base: Path, folder: Path, files: Iterable[Path]) -> list[tuple[str, str]]:
    """Return for each existing file its name in `folder` and its address relative to `base`."""
    return [(str(f.relative_to(folder)), quote(str(f.relative_to(base)))) for f in files if f.is_file()]


def _origins_table(origins: Mapping[Origin, list[str]], records: Mapping[str, Provenance]) -> list[Record]:
    """Return the rows of a table of origins: what, its value, and for which of the records it holds."""
    everything = list(records)
    return [origin._asdict() | {"names": provenance.describe(names, everything)} for origin, names in origins.items()]


def _experiment(results: StudyResults, row: Record, records: list[Record], headline: list[MetricSummary]) -> Record:
    config, members = results.config["experiments"][row["experiment"]], results.experiments[row["experiment"]]
    return row | {
        "walking": sum(_walks(record) for record in records if record["experiment"] == row["experiment"]),
        "cells": [(tables.heading(metric), tables.over_seeds(row, metric)) for metric in headline],
        "seed_numbers": [run.seed for run in members],
        "evaluation": tuple(config["evaluation"][key] for key in ("episodes", "seconds")),
        "walker": {"file": None} | config["walker"],
        "motion": {"file": None} | config["motion"],
        "settings": changed_settings(config),
        "yaml": yaml.dump(config),
    }


def _walks(record: Record) -> bool:
    """Return whether a run is finished and all of its episodes were stable."""
    return record["episodes"] is not None and record["stable_episodes"] == record["episodes"]


def _video(results: StudyResults, choice: videos.Choice) -> Record:
    def address(run: RunResult) -> str:
        return quote(str(Run(run.path).video_file("final.mp4").relative_to(results.directory)))

    return {
        "seed": choice.run.seed,
        "status": choice.run.status,
        "candidates": choice.candidates,
        "of_completed": choice.run.status == "completed" and any(run.status != "completed" for run in choice.others),
        "replay": choice.run.replay,
        "source": None,
        "link": address(choice.run),
        "others": [(f"seed {run.seed}", address(run)) for run in choice.others],
    }


def _run(results: StudyResults, run: RunResult, record: Record, common: set[Origin]) -> Record:
    stages = dict(sorted(run.provenance.items(), key=lambda item: item[1].started))
    uncommon = {origin: names for origin, names in provenance.origins(stages).items() if origin not in common}
    place = Run(run.path)
    return record | {
        "anchor": f"run-{run.experiment}-{run.seed}",
        "ends": run.summary.ends if run.summary else {},
        "first_success": _first_success(record),
        "commands": [(shlex.join(made.command), made.started, made.ended) for made in stages.values()],
        "origins": _origins_table(uncommon, stages),
        "links": _links(results.directory, run.path, [*place.shown_files, *map(place.provenance_file, stages)]),
    }


def _first_success(record: Record) -> str:
    """Return the samples at the first success. A run that diverged before it says so, instead of naming the budget."""
    if record["status"] == "diverged" and not record["success_reached"]:
        return f"{formatting.NOTHING} (diverged at {record['samples']:,})"
    return tables.first_success(record["first_success_samples"], record["total_timesteps"])
