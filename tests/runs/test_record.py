"""Reading records: strict with the file and the field named, or lenient for those who only look on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from run_folders import attempt, make_run, make_study

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.runs import provenance
from mimicrl.runs.record import Record
from mimicrl.runs.records import Attempt, ExpectedRun, Provenance, ResolvedStudy, RunRecord


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    for record in (provenance.record("train", "now", physics=2), ExpectedRun(experiment="a", seed=1), attempt()):
        record.write(tmp_path / "x.json")
        assert type(record).read(tmp_path / "x.json") == record


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": "1"}, "seed: Input should be a valid integer"),
        ({"fingerprint": None}, "fingerprint: Input should be a valid string"),
        ({"format": 2}, "format: Input should be 1"),
        ({"walker_sha256": ...}, "walker_sha256: Field required"),
    ],
)
def test_a_damaged_field_is_named(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    file = make_run(tmp_path).run_file
    content = artifacts.read_json(file) | change
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))
    with pytest.raises(
        ArtifactError, match=f"^a file of the run is damaged — {file} — got {told} — make it again with"
    ):
        RunRecord.read(file)
    assert RunRecord.find(file) is None
    file.unlink()
    with pytest.raises(
        ArtifactError, match=rf"^a file of the run cannot be read — {file} — got No .* — make it with me$"
    ):
        RunRecord.read(file, made_by="me")


def test_a_key_of_a_later_version_is_no_damage(tmp_path: Path) -> None:
    file = make_run(tmp_path).run_file
    expected = RunRecord.read(file)
    file.write_text(json.dumps(artifacts.read_json(file) | {"more": 1}))
    assert RunRecord.read(file) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"seed": NaN}', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("kind", [Provenance, Attempt, ExpectedRun])
def test_what_is_no_record_is_damaged_or_missing(tmp_path: Path, kind: type[Record], content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ArtifactError):
        kind.read(tmp_path / "x.json")
    assert kind.find(tmp_path / "x.json") is None


def test_a_file_of_an_older_version_is_refused(tmp_path: Path) -> None:
    study = make_study(tmp_path, [("walk", 1)])
    study.study_file.write_text(study.study_file.read_text().replace("format: 1", ""))
    with pytest.raises(ConfigError, match=r"made by an older version of mimicrl — .* — use another folder for results"):
        ResolvedStudy.refuse_older(study.study_file)
    study.study_file.write_text("{")
    ResolvedStudy.refuse_older(study.study_file)
    ResolvedStudy.refuse_older(tmp_path / "none.yaml")


def test_a_study_that_expects_runs_of_no_experiment_is_damaged(tmp_path: Path) -> None:
    study = make_study(tmp_path, [("walk", 1)])
    study.study_file.write_text(study.study_file.read_text().replace("experiment: walk", "experiment: run"))
    with pytest.raises(ArtifactError, match="there is no experiment run"):
        ResolvedStudy.read(study.study_file)


def test_the_last_whole_row_is_found(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    assert ExpectedRun.find_last(file) is None
    rows = [{"experiment": "a", "seed": seed} for seed in (1, 2)]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"experiment": "a", "se')
    assert ExpectedRun.find_last(file) == ExpectedRun(experiment="a", seed=2)
