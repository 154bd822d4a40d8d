"""`mimicrl report`: a study on one page that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import imageio_ffmpeg
import jinja2
import pandas as pd

from mimicrl import artifacts, provenance
from mimicrl.analysis import aggregate, figures, statistics, tables
from mimicrl.analysis.study import RunResult, StudyResults, load
from mimicrl.config import ExperimentConfig, yaml
from mimicrl.errors import ArtifactError, MachineError

MAX_PAGE_BYTES = 25_000_000
VIDEO_SECONDS = 10

_ASSETS = Path(__file__).parent / "assets"
_TABLES = ("experiments.md", "experiments.tex", "experiments.csv", "runs.csv", "experiments.parquet", "runs.parquet")
_RUN_FILES = (
    *("config.yaml", "run.json", "outcome.json", "evaluations.parquet", "metrics.parquet", "episodes.parquet"),
    *("gait_cycle.parquet", "policies/final/policy.json", "policies/final/policy.safetensors", "videos/final.mp4"),
)
_ORIGIN = {
    "Code, sha256": ("code", "sha256"),
    "Commit": ("code", "commit"),
    "Changed since the commit": ("code", "dirty"),
    "Lock of packages, sha256": ("lock_sha256",),
    "Container": ("container",),
    "Host": ("host",),
    "Processor": ("cpu", "model"),
    "Usable cores": ("cpu", "cores"),
    "Vector instructions": ("cpu", "vector_instructions"),
    "Platform": ("platform",),
    "Python": ("python",),
    "Versions": ("versions",),
    "Threads": ("threads",),
    "Environment": ("environment",),
}
"""What is shown of a record of provenance, and where it stands there."""
_NOTHING = "–"

Record = dict[str, Any]


class Clip(NamedTuple):
    """The video of an experiment.

    Attributes:
        run: The run it shows.
        data: MP4, at most `VIDEO_SECONDS` long.
        rivals: Number of runs that it is the median of.
        others: Further runs of the experiment that have one.
    """

    run: RunResult
    data: bytes
    rivals: int
    others: tuple[RunResult, ...]


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
    text = page(results, {name: files[f"{name}.svg"] for name in drawn})
    for name, data in files.items():
        artifacts.write_bytes(directory / "figures" / name, data)
    path = directory / "report.html"
    artifacts.write_text(path, text)
    artifacts.write_json(directory / "provenance" / "report.json", provenance.record("report", started))
    return path


def page(results: StudyResults, drawings: Mapping[str, bytes], max_bytes: int = MAX_PAGE_BYTES) -> str:
    """Return the page.

    Args:
        results: The study.
        drawings: Its figures as SVG, by name.
        max_bytes: The largest videos are linked instead of shown where the page would be larger.
    """
    runs = aggregate.runs_table(results)
    experiments = aggregate.experiments_table(results)
    records = _records(runs)
    clips = {name: clip for name, members in results.experiments.items() if (clip := _clip(members, records))}
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
        "video_seconds": VIDEO_SECONDS,
    }
    template = _templates().get_template("report.html.j2")
    videos = {name: _video(results, clip) for name, clip in clips.items()}
    room = max_bytes - len(template.render(**content, videos=videos).encode())
    for name in _that_fit({name: clip.data for name, clip in clips.items()}, room):
        videos[name]["source"] = _data_uri(clips[name].data)
    return template.render(**content, videos=videos)


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_ASSETS),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, count=_count, duration=_duration)
    return environment


# --- text ---


def _number(value: float | None, digits: int = 2) -> str:
    return _NOTHING if value is None else f"{value:,.{digits}f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return _NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _value(value: Any) -> str:
    """Return a value from a YAML or JSON file as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


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
        "settings": settings(config),
        "yaml": yaml.dump(config),
    }


def _walks(record: Record) -> bool:
    """Return whether all of a finished run's episodes were stable."""
    return record["episodes"] is not None and record["stable"] == record["episodes"]


def _over_seeds(row: Record, metric: str, digits: int) -> str:
    """Return the interquartile mean with its interval, below three seeds the value of each."""
    values = row[f"{metric}_values"]
    if len(values) < statistics.SEEDS_FOR_INTERVAL:
        return ", ".join(_number(value, digits) for value in values) or _NOTHING
    middle, low, high = (_number(row[f"{metric}_{key}"], digits) for key in ("iqm", "ci_low", "ci_high"))
    return f"{middle} [{low}, {high}]"


def settings(experiment: Record) -> list[Record]:
    """Return what an experiment of ``study.yaml`` sets to other values than the schema's defaults.

    Returns:
        ``key``, ``value``, ``default`` and ``meaning`` of each, as text. A value left out of the file is None there.
    """
    sections = ExperimentConfig().model_dump(mode="json", exclude={"use", "seeds"})
    defaults = _flat({name: section for name, section in sections.items() if name in experiment})
    given = _flat({name: section for name, section in experiment.items() if name in sections})
    changed = [key for key in {**defaults, **given} if given.get(key) != defaults.get(key)]
    return [
        {"key": key, "value": _value(given.get(key)), "default": _value(defaults.get(key)), "meaning": _meaning(key)}
        for key in changed
    ]


def _flat(tree: Record, above: str = "") -> Record:
    leaves: Record = {}
    for key, value in tree.items():
        leaves |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return leaves


def _meaning(key: str) -> str:
    """Return what the schema says of a key such as ``mimic.rewards.pose.scale``; nothing of a key it does not know."""
    model, text = ExperimentConfig, ""
    for part in key.split("."):
        field = getattr(model, "model_fields", {}).get(part)
        if field is None:
            return ""
        model, text = field.annotation, (field.description or "").replace("`", "")
    return text


# --- videos ---


def _clip(members: Sequence[RunResult], records: list[Record]) -> Clip | None:
    """Return the video of the completed seed of median reward, of two the lower; without any, of a diverged one."""
    rewards = {(record["experiment"], record["seed"]): record["reward"] for record in records}
    filmed = [run for run in members if run.finished and run.video]
    chosen = [run for run in filmed if run.status == "completed"] or filmed
    if not chosen:
        return None
    ordered = sorted(chosen, key=lambda run: (rewards[run.experiment, run.seed], run.seed))
    shown = ordered[(len(ordered) - 1) // 2]
    others = tuple(run for run in filmed if run is not shown)
    return Clip(shown, cut(shown.video or Path(), VIDEO_SECONDS), len(ordered), others)


def cut(video: Path, seconds: float) -> bytes:
    """Return the beginning of a video as MP4, its pictures as they are; equal videos give equal bytes.

    Raises:
        ArtifactError: It is no video.
        MachineError: There is no ffmpeg.
    """
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise MachineError("there is no ffmpeg", got=error, fix="pip install imageio-ffmpeg") from error
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "clip.mp4"
        command = [program, "-nostdin", "-v", "error", "-i", f"file:{video}", "-t", f"{seconds}", "-c", "copy"]
        command += ["-movflags", "+faststart", "-fflags", "+bitexact", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            problem = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ArtifactError(
                "a video cannot be read", where=video, got=problem, fix=f"mimicrl replay {video.parent.parent}"
            )
        return out.read_bytes()


def _data_uri(data: bytes) -> str:
    return "data:video/mp4;base64," + base64.b64encode(data).decode()


def _that_fit(videos: Mapping[str, bytes], room: int) -> list[str]:
    """Return the names of the videos that have room inside the page, the smallest first."""
    fitting = []
    for name in sorted(videos, key=lambda name: len(videos[name])):
        room -= len(_data_uri(videos[name])) + 200  # of what stands around it
        if room >= 0:
            fitting.append(name)
    return fitting


def _video(results: StudyResults, clip: Clip) -> Record:
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


def origins(records: Mapping[str, Record]) -> list[Record]:
    """Return where results come from, and what of it holds for which of them.

    Args:
        records: Provenance by the name of what was made.

    Returns:
        ``what`` (such as the host), its ``value``, and ``of``: the names it holds for, or all, or all but some.
    """
    holders: dict[str, dict[str, list[str]]] = {what: {} for what in _ORIGIN}
    for name, record in records.items():
        for what, path in _ORIGIN.items():
            value: Any = record
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if value not in (None, {}, []):
                holders[what].setdefault(_value(value), []).append(name)
    return [
        {"what": what, "value": value, "of": _some(names, [name for name in records if name not in names])}
        for what, values in holders.items()
        for value, names in values.items()
    ]


def _some(names: Sequence[str], others: Sequence[str]) -> str:
    if not others:
        return "all"
    return f"all but {', '.join(others)}" if len(others) < len(names) else ", ".join(names)
