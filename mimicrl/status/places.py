"""Where runs are, or will be: those that studies expect, and those that stand on their own."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mimicrl.runs import RunDirectory
from mimicrl.status import files


class Place(NamedTuple):
    """A run.

    Attributes:
        path: Its directory, which need not be there yet.
        name: Its name in the table.
        total: Environment steps asked for; None where nothing tells.
    """

    path: Path
    name: str
    total: int | None


def find(directory: Path) -> list[Place]:
    """Return the runs of a directory: of one run, of a study, or of a folder of studies and runs.

    Of a study these are the runs it expects, in its order, and no others that an earlier version of it has left.
    """
    directory = directory.resolve()  # its name is shown
    if RunDirectory(directory).run_file.exists() or RunDirectory(directory).progress_file.exists():
        return [_alone(directory)]
    own = directory / "study.yaml"
    studies = [own] if own.exists() else sorted(directory.glob("*/study.yaml"))
    expected = {study.parent: runs for study in studies if (runs := _expected(study, *_version(study)))}
    places = [
        Place(folder / experiment / f"seed_{seed}", f"{folder.name}/{experiment}/seed_{seed}", total)
        for folder, runs in expected.items()
        for experiment, seed, total in runs
    ]
    others = (file.parent for depth in range(1, 4) for file in directory.glob(f"{'*/' * depth}run.json"))
    return places + [_alone(run) for run in sorted(others, key=_natural) if expected.keys().isdisjoint(run.parents)]


def _alone(run: Path) -> Place:
    """Return a run that no study tells of."""
    in_study = run.name.startswith("seed_")
    file = RunDirectory(run).config_file
    budget = _budget(file, *_version(file)) if file.exists() else None
    return Place(run, "/".join(run.parts[-3:] if in_study else run.parts[-1:]), budget)


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _expected(study: Path, _changed_ns: int, _size: int) -> tuple[tuple[str, int, int | None], ...]:
    """Return experiment, seed and budget of the runs that a study expects, read once a version of the file."""
    try:
        content = _parse(study)
        budgets = {
            name: files.count(experiment["training"], "total_timesteps")
            for name, experiment in content["experiments"].items()
        }
        return tuple((run["experiment"], run["seed"], budgets[run["experiment"]]) for run in content["expected_runs"])
    except (AttributeError, KeyError, TypeError):
        return ()


@cache
def _budget(config: Path, _changed_ns: int, _size: int) -> int | None:
    """Return how many environment steps a run's configuration asks for, read once a version of the file."""
    try:
        return files.count(_parse(config)["training"], "total_timesteps")
    except (KeyError, TypeError):
        return None


def _parse(file: Path) -> Any:
    """Return the content of a YAML file that this program wrote, None where it is damaged."""
    # Not with the strict reader for what people write: the parser in C, safe as well, is three times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return loader(file.read_text(encoding="utf-8")).get_single_data()
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _natural(path: Path) -> list[str | int]:
    """Return what to sort by, so that seed 10 comes after seed 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", str(path))]
