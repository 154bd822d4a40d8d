"""The verbs for a whole study, on the files of a real run: tables and the page; what is wrong is a code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support import TINY

from mimicrl.config.loading import deep_merge
from mimicrl.runs import Run


@pytest.fixture
def results(mimicrl: Any, study: Any, trained_run: Run, tmp_path: Path) -> Path:
    """A study of two seeds, of which the first was trained, evaluated and replayed."""
    longer = {"training": {"total_timesteps": 512, "n_epochs": 2}, "evaluation": {"eval_freq": 256}}
    directory = tmp_path / "results" / "tiny"
    assert mimicrl("init", study(seeds=[1, 2], **deep_merge(TINY, longer)), "--out", directory).code == 0
    run = directory / "walk" / "seed_1"
    shutil.copytree(trained_run.path, run)
    assert mimicrl("evaluate", run, "--threads", 1).code == 0
    assert mimicrl("replay", run, "--width", 64, "--height", 48, "--fps", 10).code == 0
    return directory


def test_a_study_becomes_tables_and_a_page(mimicrl: Any, results: Path) -> None:
    done = mimicrl("aggregate", results, "--allow-missing")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(f"tables of 2 runs in {results / 'tables'}\n")
    runs: Any = pd.read_parquet(results / "tables" / "runs.parquet")
    assert runs["status"].tolist() == ["completed", "missing"]
    episodes: Any = pd.read_parquet(results / "walk" / "seed_1" / "episodes.parquet")
    assert runs["distance_m"][0] == episodes["distance_m"].mean()
    done = mimicrl("report", results, "--allow-missing")
    assert done == (0, f"report in {results / 'report.html'}\n", "")
    assert "data:video/mp4;base64," in (results / "report.html").read_text()


@pytest.mark.fault(46)
@pytest.mark.parametrize("verb", ["aggregate", "report"])
def test_missing_runs_are_code_3_and_named(mimicrl: Any, results: Path, verb: str) -> None:
    before = sorted(results.iterdir())
    done = mimicrl(verb, results)
    assert done.code == 3
    assert done.err.count("\n") == 1
    assert done.last.startswith(f"mimicrl {verb}: ")
    assert "walk/seed_2" in done.last
    assert "--allow-missing" in done.last
    assert sorted(results.iterdir()) == before


@pytest.mark.parametrize("verb", ["aggregate", "report"])
def test_a_directory_that_is_no_study_is_code_2(mimicrl: Any, tmp_path: Path, verb: str) -> None:
    done = mimicrl(verb, tmp_path)
    assert done.code == 2
    assert done.last.startswith(f"mimicrl {verb}: ")
    assert str(tmp_path) in done.last
