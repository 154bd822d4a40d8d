"""A study on one page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from mimicrl.analysis import aggregate, figures, settings, statistics, tables, text, videos
from mimicrl.analysis.origins import origins, usual
from mimicrl.analysis.study import RunResult, StudyResults
from mimicrl.config import yaml
from mimicrl.runs import Run, Study, layout
from mimicrl.runs.summary import REWARD, MetricSummary

MAX_PAGE_BYTES = 25_000_000

_ASSETS = Path(__file__).parent / "assets"

Record = dict[str, Any]


def page(results: StudyResults, drawings: Mapping[str, bytes], max_bytes: int = MAX_PAGE_BYTES) -> str:
    """Return the page.

    Args:
        results: The study.
        drawings: Its figures as SVG, by name.
        max_bytes: The largest videos are linked instead of shown where the page would be larger.
    """
    records = tables.records(aggregate.runs_table(results))
    experiments = aggregate.experiments_table(results)
    rewards = {run.name: run.summary.values[REWARD] or 0.0 for run in results.runs if run.summary}
    chosen = {name: videos.choose(members, rewards) for name, members in results.experiments.items()}
    shown = {name: video for name, video in chosen.items() if video}
    metrics = list(results.metrics.values())
    headline = tables.headline_metrics(metrics)
    trainings = {run.name: run.provenance["train"] for run in results.runs if "train" in run.provenance}
    common, study = usual(trainings), Study(results.directory)
    content = {
        "study": results.name,
        "experiments": [_experiment(results, row, records, headline) for row in tables.records(experiments)],
        "metrics": metrics,
        "headline": headline,
        "table": tables.records(tables.experiments_text(experiments, headline)),
        "notes": tables.notes(experiments),
        "figures": [
            {"name": name, **figures.inline_svg(svg, f"f{number}-")}
            for number, (name, svg) in enumerate(drawings.items())
        ],
        "formats": list(layout.FIGURE_FORMATS),
        "runs": [_run(results, run, record, common) for run, record in zip(results.runs, records, strict=True)],
        "table_links": _links(study.path, study.tables_directory, [*study.experiments_tables, *study.runs_tables]),
        "origins": origins(trainings),
        "statistics": statistics,
        "few_seeds": tables.FEW_SEEDS,
        "video_seconds": videos.SECONDS,
    }
    template = _templates().get_template("report.html.j2")
    films = {name: _video(results, video) for name, video in shown.items()}
    room = max_bytes - len(template.render(**content, videos=films).encode())
    for name in videos.fitting({name: video.data for name, video in shown.items()}, room):
        films[name]["source"] = videos.data_uri(shown[name].data)
    return template.render(**content, videos=films)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=text.number, count=text.count, duration=text.duration, heading=tables.heading)
    environment.globals.update(cell=tables.cell)
    return environment


def _links(base: Path, folder: Path, files: Iterable[Path]) -> list[tuple[str, str]]:
    """Return name in `folder` and address, relative to `base`, of those files that are there."""
    return [(str(f.relative_to(folder)), quote(str(f.relative_to(base)))) for f in files if f.is_file()]


# --- experiments ---


def _experiment(results: StudyResults, row: Record, records: list[Record], headline: list[MetricSummary]) -> Record:
    config, members = results.config["experiments"][row["experiment"]], results.experiments[row["experiment"]]
    walking = [r for r in records if r["experiment"] == row["experiment"] and _walks(r)]
    return row | {
        "walking": len(walking),
        "finished": row["completed"] + row["diverged"],
        "cells": [(tables.heading(metric), tables.over_seeds(row, metric)) for metric in headline],
        "seed_numbers": [run.seed for run in members],
        "evaluation": tuple(config["evaluation"][key] for key in ("episodes", "seconds")),
        "walker": {"file": None} | config["walker"],
        "motion": {"file": None} | config["motion"],
        "settings": settings.changed(config),
        "yaml": yaml.dump(config),
    }


def _walks(record: Record) -> bool:
    """Return whether all of a finished run's episodes were stable."""
    return record["episodes"] is not None and record["stable_episodes"] == record["episodes"]


# --- videos ---


def _video(results: StudyResults, video: videos.Video) -> Record:
    def address(run: RunResult) -> str:
        return _links(results.directory, run.path, [Run(run.path).video_file("final.mp4")])[0][1]

    shown = video.run.provenance.get("replay", {}).get("result", {})
    return {
        "seed": video.run.seed,
        "status": video.run.status,
        "rivals": video.rivals,
        "of_completed": video.run.status == "completed" and any(run.status != "completed" for run in video.others),
        "shown": shown if isinstance(shown, dict) else {},
        "source": None,
        "link": address(video.run),
        "others": [(f"seed {run.seed}", address(run)) for run in video.others],
    }


# --- runs ---


def _run(results: StudyResults, run: RunResult, record: Record, common: set[tuple[str, str]]) -> Record:
    verbs = dict(sorted(run.provenance.items(), key=lambda item: str(item[1].get("started"))))
    place = Run(run.path)
    files = [*place.shown_files, *map(place.provenance_file, verbs)]
    return record | {
        "anchor": f"run-{run.experiment}-{run.seed}",
        "walks": _walks(record),
        "ends": run.summary.ends if run.summary else {},
        "first_success": _first_success(record),
        "commands": [(_command(verb, made), made.get("started"), made.get("ended")) for verb, made in verbs.items()],
        "origins": [row for row in origins(verbs) if (row["what"], row["value"]) not in common],
        "links": _links(results.directory, run.path, files),
    }


def _first_success(record: Record) -> str:
    """Return when a run got there; the budget says nothing of one that diverged on the way."""
    if record["status"] == "diverged" and not record["success_reached"]:
        return f"{text.NOTHING} (diverged at {record['samples']:,})"
    return tables.first_success(record["first_success_samples"], record["total_timesteps"])


def _command(verb: str, made: Record) -> str:
    """Return the command of a record; of one that does not tell, the record's own name."""
    words = made.get("command")
    return shlex.join(map(str, words)) if isinstance(words, list) and words else f"provenance/{verb}.json"
