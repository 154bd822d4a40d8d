"""A results folder of an older version: every verb refuses it by name and leaves it alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from mimicrl import artifacts
from mimicrl.runs import Run, Study

TOLD = "made by an older version of mimicrl — {file} — use another folder for results"


@pytest.fixture
def older(mimicrl: Any, study: Any, trained_run: Run, tmp_path: Path) -> Study:
    """A study with a trained run, whose ``study.yaml`` and ``run.json`` have no ``format`` as of old."""
    folder = Study(tmp_path / "results" / "tiny")
    assert mimicrl("init", study(), "--out", folder.path).code == 0
    run = folder.run("walk", 1)
    shutil.copytree(trained_run.path, run.path)
    content = yaml.safe_load(folder.study_file.read_text())
    del content["format"]
    folder.study_file.write_text(yaml.safe_dump(content))
    record = artifacts.read_json(run.run_file)
    del record["format"]
    del record["total_timesteps"]
    artifacts.write_json(run.run_file, record)
    return folder


def contents(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("verb", ["train", "evaluate", "replay"])
def test_a_run_is_refused(mimicrl: Any, older: Study, verb: str) -> None:
    run, before = older.run("walk", 1), contents(older.path)
    done = mimicrl(verb, run.path)
    assert done.code == 2
    assert done.last == f"mimicrl {verb}: {TOLD.format(file=run.run_file)}"
    assert contents(older.path) == before


@pytest.mark.parametrize("verb", ["aggregate", "report"])
def test_a_study_is_refused(mimicrl: Any, older: Study, verb: str) -> None:
    before = contents(older.path)
    done = mimicrl(verb, older.path, "--allow-missing")
    assert done.code == 2
    assert done.last == f"mimicrl {verb}: {TOLD.format(file=older.study_file)}"
    assert contents(older.path) == before


def test_nothing_is_initialised_over_it(mimicrl: Any, study: Any, older: Study) -> None:
    run, before = older.run("walk", 1), contents(older.path)
    done = mimicrl("init", study(), "--out", older.path)
    assert (done.code, done.last) == (2, f"mimicrl init: {TOLD.format(file=older.study_file)}")
    done = mimicrl("init", study(), "--experiment", "walk", "--seed", 1, "--out", run.path)
    assert (done.code, done.last) == (2, f"mimicrl init: {TOLD.format(file=run.run_file)}")
    assert contents(older.path) == before
