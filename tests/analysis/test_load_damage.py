"""Damaged files of a study: each is named, with what was found in it and the command that makes it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis.json_files import DROP, edit_json

from mimicrl import artifacts
from mimicrl.analysis import study
from mimicrl.errors import ArtifactError
from mimicrl.runs.summary import EvaluationSummary

WALK = {"walk": {1: "completed"}}


def again(file: str, run: Path) -> str:
    """The command that makes a damaged file again."""
    command = "mimicrl init STUDY.yaml --out DIRECTORY" if file == "run.json" else f"mimicrl train {run}"
    return f"make it again with {command}"


@pytest.mark.parametrize("file", ["run.json", "outcome.json", "policies/final/policy.json"])
@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "not valid JSON"), (b'{"a', "not valid JSON"), (b"[]", "a file of the run is damaged")],
)
def test_damaged_json_is_named(make_study: Callable[..., Path], file: str, content: bytes, told: str) -> None:
    path = make_study(WALK) / "walk" / "seed_1" / file
    path.write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        study.load(path.parents[file.count("/") + 2])
    assert str(caught.value).startswith(f"{told} — {path} — got ")
    assert str(caught.value).endswith(f" — {again(file, path.parents[file.count('/')])}")


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("run.json", "fingerprint"),
        ("outcome.json", "status"),
        ("policies/final/policy.json", "weights_sha256"),
    ],
)
def test_incomplete_json_is_named(make_study: Callable[..., Path], file: str, key: str) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / file
    edit_json(path, **{key: DROP})
    with pytest.raises(ArtifactError) as caught:
        study.load(directory)
    assert str(caught.value) == (
        f"a file of the run is damaged — {path} — got {key}: Field required — "
        f"{again(file, directory / 'walk' / 'seed_1')}"
    )


@pytest.mark.parametrize("content", [b"", b'{"half', b"[]", b"null", b"\xff"])
@pytest.mark.parametrize("verb", ["train", "evaluate"])
def test_a_damaged_record_counts_as_none(make_study: Callable[..., Path], verb: str, content: bytes) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / "provenance" / f"{verb}.json").write_bytes(content)
    (run,) = study.load(directory).runs
    assert run.status == "completed"
    assert set(run.provenance) == {"init", "train", "evaluate"} - {verb}


def test_an_unknown_outcome_is_refused(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "outcome.json"
    edit_json(path, status="fine")
    with pytest.raises(ArtifactError) as caught:
        study.load(directory)
    assert str(caught.value) == (
        f"a file of the run is damaged — {path} — got status: Input should be 'completed' or 'diverged' — "
        f"make it again with mimicrl train {path.parent}"
    )


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_summary_is_named(make_study: Callable[..., Path], share: float) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "summary.json"
    path.write_bytes(path.read_bytes().rstrip()[: int(share * path.stat().st_size)])
    with pytest.raises(ArtifactError, match=f"^not valid JSON — {path} — got .* with mimicrl evaluate "):
        study.load(directory)


@pytest.mark.parametrize("key", EvaluationSummary.model_fields)
def test_an_incomplete_summary_is_named(make_study: Callable[..., Path], key: str) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "summary.json"
    edit_json(path, **{key: DROP})
    with pytest.raises(ArtifactError) as caught:
        study.load(directory)
    assert str(caught.value) == (
        f"a file of the run is damaged — {path} — got {key}: Field required — "
        f"make it again with mimicrl evaluate {path.parent}"
    )


@pytest.mark.parametrize("change", [{"metrics": [{}]}, {"episodes": "20"}, {"stable_episodes": -1}])
def test_a_summary_with_other_values_is_named(make_study: Callable[..., Path], change: dict[str, Any]) -> None:
    directory = make_study(WALK)
    edit_json(directory / "walk" / "seed_1" / "summary.json", **change)
    with pytest.raises(ArtifactError, match=r"^a file of the run is damaged — .*summary\.json — got "):
        study.load(directory)


@pytest.mark.parametrize(
    ("place", "garbage"),
    [
        (b"PAR1", b"PAR1" + b"\xff" * 200),
        (b'{"index_columns"', b'{"\xff'),
        (b"ARROW:schema", b"ARROW:schema" + b"?" * 20),
    ],
    ids=["page", "pandas", "schema"],
)
def test_a_table_with_bad_bytes_is_named(make_study: Callable[..., Path], place: bytes, garbage: bytes) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "evaluations.parquet"
    content = path.read_bytes()
    at = content.index(place)
    path.write_bytes(content[:at] + garbage + content[at + len(garbage) :])
    (run,) = study.load(directory).runs
    with pytest.raises(ArtifactError, match=f"^a table of the run cannot be read — {path} — got "):
        _ = run.evaluations


@pytest.mark.parametrize("name", ["gait_cycle", "evaluations"])
def test_a_table_that_is_not_there_is_named(make_study: Callable[..., Path], name: str) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / f"{name}.parquet"
    path.unlink()
    (run,) = study.load(directory).runs
    with pytest.raises(ArtifactError, match=f"^a table of the run cannot be read — {path} — got .*No such file"):
        getattr(run, name)


def drop(path: Path, *columns: str) -> None:
    artifacts.read_parquet(path).drop(columns=list(columns)).to_parquet(path)


@pytest.mark.parametrize(
    ("table", "column", "verb"),
    [
        *(("evaluations", column, "train") for column in study.EVALUATION_COLUMNS),
        *(("gait_cycle", column, "evaluate") for column in study.GAIT_COLUMNS),
    ],
)
def test_a_table_without_a_column_is_named(make_study: Callable[..., Path], table: str, column: str, verb: str) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / f"{table}.parquet"
    drop(path, column)
    (run,) = study.load(directory).runs
    with pytest.raises(ArtifactError, match=f"{path} — expected {column} — mimicrl {verb} {path.parent}$"):
        getattr(run, table)


def test_no_evaluation_during_training_is_no_damage(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    artifacts.write_bytes(directory / "walk/seed_1/evaluations.parquet", artifacts.parquet_bytes(pd.DataFrame()))
    (run,) = study.load(directory).runs
    assert len(run.evaluations) == 0


@pytest.mark.parametrize("name", ["gait_cycle", "evaluations"])
def test_large_tables_are_read_when_asked_for(make_study: Callable[..., Path], name: str) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / f"{name}.parquet"
    path.write_bytes(b"damaged")
    (run,) = study.load(directory).runs
    with pytest.raises(ArtifactError, match=f"^a table of the run cannot be read — {path} — got "):
        getattr(run, name)


@pytest.mark.parametrize("content", [b"study: [", b"study: \xff\n"])
def test_a_damaged_study_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        study.load(tmp_path)
    assert str(caught.value).startswith(f"not valid YAML — {tmp_path / 'study.yaml'} — got ")
    assert str(caught.value).endswith(" — make it again with mimicrl init STUDY.yaml --out DIRECTORY")
