"""Damaged files of a study: each is named, with what was found in it and the command that makes it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis.json_files import DROP, edit_json

from mimicrl import artifacts
from mimicrl.analysis import load
from mimicrl.analysis.load import load_results
from mimicrl.errors import ArtifactError

FILES = {
    "run.json": ("fingerprint", "mimicrl init STUDY.yaml --out DIRECTORY"),
    "outcome.json": ("status", "mimicrl train {run}"),
    "policies/final/policy.json": ("weights_sha256", "mimicrl train {run}"),
    "summary.json": ("metrics", "mimicrl evaluate {run}"),
}
"""For each file of a run a key that it must have, and the command that makes it again."""
TABLES = {"evaluations": load.EVALUATION_COLUMNS, "gait_cycle": load.GAIT_COLUMNS}


@pytest.fixture
def run(make_study: Callable[..., Path]) -> Path:
    """The directory of a completed run, the only one of its study."""
    return make_study({"walk": {1: "completed"}}) / "walk" / "seed_1"


def refused(run: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        load_results(run.parents[1])
    return str(caught.value)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "not valid JSON"), (b'{"a', "not valid JSON"), (b"[]", "a file of the run is damaged")],
)
def test_damaged_json_is_named(run: Path, file: str, content: bytes, told: str) -> None:
    (run / file).write_bytes(content)
    message = refused(run)
    assert message.startswith(f"{told} — {run / file} — got ")
    assert message.endswith(f" — make it again with {FILES[file][1].format(run=run)}")


INCOMPLETE: list[tuple[str, str, Any]] = [(file, key, DROP) for file, (key, _) in FILES.items()]
WRONG = [("outcome.json", "status", "fine"), ("summary.json", "episodes", "20"), ("summary.json", "metrics", [{}])]


@pytest.mark.parametrize(("file", "key", "value"), INCOMPLETE + WRONG)
def test_other_values_than_the_schemas_are_named(run: Path, file: str, key: str, value: Any) -> None:
    edit_json(run / file, **{key: value})
    message = refused(run)
    assert message.startswith(f"a file of the run is damaged — {run / file} — got {key}")
    assert message.endswith(f" — make it again with {FILES[file][1].format(run=run)}")


@pytest.mark.parametrize("content", [b"", b'{"half', b"[]", b'{"verb": "train"}', b"\xff"])
def test_a_damaged_record_counts_as_none(run: Path, content: bytes) -> None:
    (run / "provenance" / "train.json").write_bytes(content)
    (found,) = load_results(run.parents[1]).runs
    assert found.status == "completed"
    assert set(found.provenance) == {"init", "evaluate"}


def read_table(run: Path, name: str) -> str:
    (found,) = load_results(run.parents[1]).runs  # no table is read before it is asked for
    with pytest.raises(ArtifactError) as caught:
        getattr(found, name)
    return str(caught.value)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("place", [b"PAR1", b'{"index_columns"', b"ARROW:schema"])
def test_a_table_with_bad_bytes_is_named(run: Path, name: str, place: bytes) -> None:
    path = run / f"{name}.parquet"
    content = path.read_bytes()
    at = content.index(place) + len(place)
    path.write_bytes(content[:at] + b"\xff" * 20 + content[at + 20 :])
    assert read_table(run, name).startswith(f"a table of the run cannot be read — {path} — got ")
    path.unlink()
    assert "No such file" in read_table(run, name)


@pytest.mark.parametrize(("name", "column"), [(name, column) for name in TABLES for column in TABLES[name]])
def test_a_table_without_a_column_is_named(run: Path, name: str, column: str) -> None:
    path, stage = run / f"{name}.parquet", "train" if name == "evaluations" else "evaluate"
    artifacts.read_parquet(path).drop(columns=column).to_parquet(path)
    assert read_table(run, name).endswith(f"{path} — expected {column} — mimicrl {stage} {run}")


def test_no_evaluation_during_training_is_no_damage(run: Path) -> None:
    artifacts.write_bytes(run / "evaluations.parquet", artifacts.parquet_bytes(pd.DataFrame()))
    (found,) = load_results(run.parents[1]).runs
    assert len(found.evaluations) == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"study: [", "not valid YAML"),
        (b"study: \xff\n", "not valid YAML"),
        (b"", "a file of the run is damaged"),
        (b"format: 1\nstudy: a\n", "a file of the run is damaged"),
    ],
)
def test_a_damaged_study_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        load_results(tmp_path)
    assert str(caught.value).startswith(f"{told} — {tmp_path / 'study.yaml'} — got ")
    assert str(caught.value).endswith(" — make it again with mimicrl init STUDY.yaml --out DIRECTORY")
