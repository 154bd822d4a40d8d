"""`mimicrl report`: a study on one page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd

from mimicrl import artifacts, provenance
from mimicrl.analysis import aggregate, clips, figures, settings, statistics, tables, text
from mimicrl.analysis.origins import origins
from mimicrl.analysis.study import RunResult, StudyResults, load
from mimicrl.config import yaml

MAX_PAGE_BYTES = 25_000_000

_ASSETS = Path(__file__).parent / "assets"
_TABLES = ("experiments.md", "experiments.tex", "experiments.csv", "runs.csv", "experiments.parquet", "runs.parquet")
_RUN_FILES = (
    *("config.yaml", "run.json", "outcome.json", "evaluations.parquet", "metrics.parquet", "episodes.parquet"),
    *("gait_cycle.parquet", "policies/final/policy.json", "policies/final/policy.safetensors", "videos/final.mp4"),
)

Record = dict[str, Any]


def report(directory: Path, *, allow_missing: bool = False) -> Path:
    """Write a study's ``report.html`` and ``figures/``; the same runs give the same bytes.

    Args:
        directory: The study's directory.
        allow_missing: Go on where runs are missing; they stay visible.

    Returns:
        The page.

    Raises:
        ArtifactError: Runs are missing, or a file of one is damaged; nothing was written.
        ConfigError: The directory is no study's.
        MachineError: There is no ffmpeg, or no space on the disk.
    """
    started, results = provenance.now(), load(directory)
    if not allow_missing:
        results.require_complete()
    drawn = figures.study_figures(results)
    files = figures.figure_files(drawn)
    html = page(results, {name: files[f"{name}.svg"] for name in drawn})
    for name, data in files.items():
        artifacts.write_bytes(directory / "figures" / name, data)
    path = directory / "report.html"
    artifacts.write_text(path, html)
    artifacts.write_json(directory / "provenance" / "report.json", provenance.record("report", started))
    return path


def page(results: StudyResults, drawings: Mapping[str, bytes], max_bytes: int = MAX_PAGE_BYTES) -> str:
    """Return the page.

    Args:
        results: The study.
        drawings: Its figures as SVG, by name.
        max_bytes: The largest videos are linked instead of shown where the page would be larger.
    """
    records = _records(aggregate.runs_table(results))
    experiments = aggregate.experiments_table(results)
    rewards = {run.name: record["reward"] for run, record in zip(results.runs, records, strict=True)}
    shown = {name: clip for name, members in results.experiments.items() if (clip := clips.choose(members, rewards))}
    content = {
        "study": results.name,
        "experiments": [_experiment(results, row, records) for row in _records(experiments)],
        "table": _records(tables.experiments_text(experiments)),
        "notes": tables.notes(experiments),
        "figures": [
            {"name": name, **figures.inline_svg(svg, f"f{number}-")}
            for number, (name, svg) in enumerate(drawings.items())
        ],
        "formats": list(figures.FORMATS),
        "runs": [_run(results, run, record) for run, record in zip(results.runs, records, strict=True)],
        "table_links": _links(results.directory, results.directory / "tables", _TABLES),
        "origins": origins({run.name: run.provenance["train"] for run in results.runs if "train" in run.provenance}),
        "statistics": statistics,
        "video_seconds": clips.SECONDS,
    }
    template = _templates().get_template("report.html.j2")
    videos = {name: _video(results, clip) for name, clip in shown.items()}
    room = max_bytes - len(template.render(**content, videos=videos).encode())
    for name in clips.that_fit({name: clip.data for name, clip in shown.items()}, room):
        videos[name]["source"] = clips.data_uri(shown[name].data)
    return template.render(**content, videos=videos)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=text.number, count=text.count, duration=text.duration)
    return environment


def _records(table: pd.DataFrame) -> list[Record]:
    """Return the rows by column name, with None for what is missing."""
    plain = table.astype(object)
    rows = plain.where(plain.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _links(base: Path, folder: Path, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return name and address, relative to `base`, of those files in `folder` that are there."""
    return [(name, quote(str((folder / name).relative_to(base)))) for name in names if (folder / name).is_file()]


# --- experiments ---


def _experiment(results: StudyResults, row: Record, records: list[Record]) -> Record:
    config, members = results.config["experiments"][row["experiment"]], results.experiments[row["experiment"]]
    walking = [r for r in records if r["experiment"] == row["experiment"] and _walks(r)]
    return row | {
        "walking": len(walking),
        "finished": row["completed"] + row["diverged"],
        "reward": _over_seeds(row, "reward", 3),
        "speed": _over_seeds(row, "speed_mps", 2),
        "seed_numbers": [run.seed for run in members],
        "evaluation": tuple(config["evaluation"][key] for key in ("episodes", "seconds", "stable_distance_m")),
        "walker": {"file": None} | config["walker"],
        "motion": {"file": None} | config["motion"],
        "settings": settings.changed(config),
        "yaml": yaml.dump(config),
    }


def _walks(record: Record) -> bool:
    """Return whether all of a finished run's episodes were stable."""
    return record["episodes"] is not None and record["stable"] == record["episodes"]


def _over_seeds(row: Record, metric: str, digits: int) -> str:
    """Return the interquartile mean with its interval, below three seeds the value of each."""
    values = row[f"{metric}_values"]
    if len(values) < statistics.SEEDS_FOR_INTERVAL:
        return ", ".join(text.number(value, digits) for value in values) or text.NOTHING
    middle, low, high = (text.number(row[f"{metric}_{key}"], digits) for key in ("iqm", "ci_low", "ci_high"))
    return f"{middle} [{low}, {high}]"


# --- videos ---


def _video(results: StudyResults, clip: clips.Clip) -> Record:
    def address(run: RunResult) -> str:
        return _links(results.directory, run.path, ["videos/final.mp4"])[0][1]

    shown = clip.run.provenance.get("replay", {}).get("result", {})
    return {
        "seed": clip.run.seed,
        "status": clip.run.status,
        "rivals": clip.rivals,
        "shown": shown if isinstance(shown, dict) else {},
        "source": None,
        "link": address(clip.run),
        "others": [(f"seed {run.seed}", address(run)) for run in clip.others],
    }


# --- runs ---


def _run(results: StudyResults, run: RunResult, record: Record) -> Record:
    reasons = [] if run.episodes is None else run.episodes["reason"].tolist()
    verbs = dict(sorted(run.provenance.items(), key=lambda item: str(item[1].get("started"))))
    files = [*_RUN_FILES, *(f"provenance/{verb}.json" for verb in verbs)]
    return record | {
        "anchor": f"run-{run.experiment}-{run.seed}",
        "walks": _walks(record),
        "ends": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "times": {verb: (record.get("started"), record.get("ended")) for verb, record in verbs.items()},
        "origins": origins(verbs),
        "links": _links(results.directory, run.path, files),
    }
