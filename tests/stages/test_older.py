"""A results folder of an older version: every verb refuses it by name and leaves it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mimicrl.runs import Run, Study


@pytest.fixture
def older(mimicrl: Any, study: Any, run_directory: Run, tmp_path: Path) -> Study:
    """A study with a run, whose ``study.yaml`` and ``run.json`` have no ``format``, as in older versions."""
    folder = Study(tmp_path / "results" / "tiny")
    assert mimicrl("init", study(), "--out", folder.path).code == 0
    run = folder.run("walk", 1)
    run.path.parent.mkdir()
    run_directory.path.rename(run.path)
    for file in (folder.study_file, run.run_file):
        content = yaml.safe_load(file.read_text())
        del content["format"]
        file.write_text(json.dumps(content))  # JSON is YAML
    return folder


@pytest.mark.parametrize(
    "words",
    [
        "train RUN",
        "evaluate RUN",
        "replay RUN",
        "init STUDY.yaml --experiment walk --seed 1 --out RUN",
        "init STUDY.yaml --out STUDY",
        "aggregate STUDY --allow-missing",
        "report STUDY --allow-missing",
    ],
)
def test_it_is_refused(mimicrl: Any, study: Any, older: Study, words: str) -> None:
    def contents() -> dict[Path, tuple[bytes, int]]:
        files = (path for path in older.path.rglob("*") if path.is_file())
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    run, before = older.run("walk", 1), contents()
    places = {"RUN": run.path, "STUDY": older.path, "STUDY.yaml": study()}
    done = mimicrl(*(places.get(word, word) for word in words.split()))
    file = run.run_file if "RUN" in words.split() else older.study_file
    assert done.code == 2
    assert done.last == (
        f"mimicrl {words.split()[0]}: made by an older version of mimicrl — {file} — use another folder for results"
    )
    assert contents() == before
