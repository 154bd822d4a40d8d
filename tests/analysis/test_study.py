"""Reading a study: a run that is not finished is seen to be so and told why, and a damaged file is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from mimicrl import artifacts
from mimicrl.analysis import study
from mimicrl.errors import ArtifactError, ConfigError

WALK = {"walk": {1: "completed"}}
DROP = object()


def edit_json(path: Path, **changes: Any) -> None:
    """Sets values; `DROP` removes the key."""
    content = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in content.items() if value is not DROP}))


@pytest.mark.parametrize(
    ("state", "status", "problem"),
    [
        ("completed", "completed", None),
        ("diverged", "diverged", "an update went too far — update 7 — got KL 12.0, expected at most 5.0"),
        ("no directory", "missing", "no run directory"),
        ("not trained", "missing", "not trained to its end"),
        ("changed", "missing", "configuration changed since training"),
        ("not evaluated", "missing", "not evaluated"),
        ("trained since", "missing", "not evaluated"),
    ],
)
def test_a_run_is_completed_diverged_or_missing(
    make_study: Callable[..., Path], state: str, status: str, problem: str | None
) -> None:
    (run,) = study.load(make_study({"walk": {7: state}})).runs
    assert (run.experiment, run.seed, run.name) == ("walk", 7, "walk/seed_7")
    assert (run.status, run.problem) == (status, problem)
    assert run.finished == (status != "missing")
    for content in (run.outcome, run.episodes, run.policy):
        assert (content is not None) == run.finished


def test_a_finished_run_comes_with_what_its_files_say(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK, episodes=5, budget=50_000, figures={("walk", 1): {"reward": 0.5}})
    (run,) = study.load(directory).runs
    assert run.outcome is not None and run.policy is not None and run.episodes is not None
    assert run.outcome["samples"] == run.policy["samples"] == 50_000
    assert run.fingerprint == run.outcome["fingerprint"]
    assert run.episodes["reward"].tolist() == [0.5] * 5
    assert list(run.provenance) == ["evaluate", "init", "train"]
    assert run.provenance["train"]["verb"] == "train"
    assert len(run.gait_cycle) == 8 * 101
    assert run.evaluations["samples"].tolist()[-1] == 50_000


def test_a_directory_whose_preparation_was_killed_is_no_run(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / "run.json").unlink()
    (run,) = study.load(directory).runs
    assert (run.status, run.problem) == ("missing", "no run directory")


def test_runs_come_in_the_order_of_the_study(make_study: Callable[..., Path]) -> None:
    states = {"walk": {3: "completed", 1: "diverged"}, "amble": {2: "no directory"}}
    results = study.load(make_study(states, name="order"))
    assert results.name == "order" and results.config["study"] == "order"
    assert [run.name for run in results.runs] == ["walk/seed_3", "walk/seed_1", "amble/seed_2"]
    assert {name: [run.seed for run in runs] for name, runs in results.experiments.items()} == {
        "walk": [3, 1],
        "amble": [2],
    }


def test_only_expected_runs_count(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": {1: "completed", 2: "completed"}})
    content = yaml.safe_load((directory / "study.yaml").read_text())
    del content["expected_runs"][1]
    (directory / "study.yaml").write_text(yaml.safe_dump(content))
    assert [run.name for run in study.load(directory).runs] == ["walk/seed_1"]


def test_a_training_within_a_shorter_budget_is_not_finished(make_study: Callable[..., Path]) -> None:
    """A longer budget may extend a training, and then leaves the fingerprint as it is."""
    directory = make_study(WALK, budget=400_000)
    edit_json(directory / "walk" / "seed_1" / "outcome.json", total_timesteps=200_000, samples=200_000)
    (run,) = study.load(directory).runs
    assert (run.status, run.problem) == ("missing", "not trained to its end")


def test_a_complete_study_is_not_refused(make_study: Callable[..., Path]) -> None:
    study.load(make_study({"walk": {1: "completed", 2: "diverged"}})).require_complete()


def test_missing_runs_are_named(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": {1: "completed", 2: "no directory", 3: "not evaluated"}})
    with pytest.raises(ArtifactError) as caught:
        study.load(directory).require_complete()
    assert str(caught.value) == (
        f"2 of 3 runs are missing — {directory} — got walk/seed_2 (no run directory), walk/seed_3 (not evaluated) — "
        "finish them with snakemake, or pass --allow-missing"
    )


def test_of_many_missing_runs_the_first_are_named(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": dict.fromkeys(range(1, 10), "not trained")})
    with pytest.raises(ArtifactError, match=r"^9 of 9 runs .*seed_1 \(.*seed_2 \(.*seed_3 \([^)]*\), and 6 more — "):
        study.load(directory).require_complete()


def again(file: str, run: Path) -> str:
    """The command that makes a damaged file again."""
    return "mimicrl init STUDY.yaml --out DIRECTORY" if file == "run.json" else f"mimicrl train {run}"


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
        *(("run.json", key) for key in ("study", "experiment", "seed", "fingerprint")),
        *(("outcome.json", key) for key in ("fingerprint", *study.OUTCOME_KEYS)),
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
        f"a file of the run is incomplete — {path} — expected {key} — {again(file, directory / 'walk' / 'seed_1')}"
    )


def test_an_old_outcome_of_another_configuration_is_only_missing(make_study: Callable[..., Path]) -> None:
    directory = make_study({"walk": {1: "changed"}})
    edit_json(directory / "walk" / "seed_1" / "outcome.json", evaluation_seconds=DROP)
    (run,) = study.load(directory).runs
    assert run.problem == "configuration changed since training"


def test_an_outcome_without_its_policy_is_not_trained_to_its_end(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / "policies" / "final" / "policy.json").unlink()
    (run,) = study.load(directory).runs
    assert (run.status, run.problem) == ("missing", "not trained to its end")


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
        f"unknown outcome — {path} — got fine, expected completed or diverged — mimicrl train {path.parent}"
    )


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_table_is_named(make_study: Callable[..., Path], share: float) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "episodes.parquet"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(
        ArtifactError, match=f"^a table of the run cannot be read — {path} — got .* — mimicrl evaluate {path.parent}$"
    ):
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
    path = directory / "walk" / "seed_1" / "episodes.parquet"
    content = path.read_bytes()
    at = content.index(place)
    path.write_bytes(content[:at] + garbage + content[at + len(garbage) :])
    with pytest.raises(ArtifactError, match=f"^a table of the run cannot be read — {path} — got "):
        study.load(directory)


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


@pytest.mark.parametrize("column", study.EPISODE_COLUMNS)
def test_an_evaluation_of_an_earlier_version_is_to_be_repeated(make_study: Callable[..., Path], column: str) -> None:
    directory = make_study(WALK)
    drop(directory / "walk" / "seed_1" / "episodes.parquet", column)
    (run,) = study.load(directory).runs
    assert (run.status, run.problem, run.episodes) == ("missing", "not evaluated", None)


def test_one_joint_s_error_is_enough_and_none_is_not(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1" / "episodes.parquet"
    _, *others = errors = [name for name in artifacts.read_parquet(path) if str(name).startswith("error_")]
    drop(path, *map(str, others))
    assert study.load(directory).runs[0].finished
    drop(path, str(errors[0]))
    assert study.load(directory).runs[0].problem == "not evaluated"


@pytest.mark.parametrize(("asked", "problem"), [(20, None), (19, "not evaluated"), (40, "not evaluated")])
def test_an_evaluation_of_another_number_of_episodes_is_to_be_repeated(
    make_study: Callable[..., Path], asked: int, problem: str | None
) -> None:
    directory = make_study(WALK, episodes=20)
    content = yaml.safe_load((directory / "study.yaml").read_text())
    content["experiments"]["walk"]["evaluation"]["episodes"] = asked
    (directory / "study.yaml").write_text(yaml.safe_dump(content))
    (run,) = study.load(directory).runs
    assert run.problem == problem


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


def test_a_video_is_there_or_not(make_study: Callable[..., Path]) -> None:
    (run,) = study.load(make_study(WALK)).runs
    assert run.video is None
    path = run.path / "videos" / "final.mp4"
    path.parent.mkdir()
    path.touch()
    assert run.video == path


@pytest.mark.parametrize(("weights", "there"), [("present", True), ("others", False), (None, True)])
def test_a_video_of_other_weights_does_not_count(
    make_study: Callable[..., Path], weights: str | None, there: bool
) -> None:
    """After further training a video shows what was; one whose record does not name its weights is believed."""
    directory = make_study(WALK)
    path = directory / "walk" / "seed_1"
    policy = json.loads((path / "policies" / "final" / "policy.json").read_text())
    named = {"present": policy["weights_sha256"], "others": "0" * 64, None: None}[weights]
    artifacts.write_bytes(path / "videos" / "final.mp4", b"film")
    artifacts.write_json(path / "provenance" / "replay.json", {"result": {"weights_sha256": named} if named else {}})
    (run,) = study.load(directory).runs
    assert (run.video is not None) == there


def test_what_a_killed_write_left_is_no_record(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / "provenance" / ".tmp-12345678-train.json").write_text('{"half')
    (run,) = study.load(directory).runs
    assert list(run.provenance) == ["evaluate", "init", "train"]


@pytest.mark.parametrize("change", [{"seed": 2}, {"experiment": "run"}, {"study": "other"}])
def test_a_copied_run_is_refused(make_study: Callable[..., Path], change: dict[str, Any]) -> None:
    directory = make_study(WALK)
    edit_json(directory / "walk" / "seed_1" / "run.json", **change)
    there = {"study": "made-up", "experiment": "walk", "seed": 1} | change
    with pytest.raises(ArtifactError) as caught:
        study.load(directory)
    assert str(caught.value) == (
        f"the directory belongs to another run — {directory}/walk/seed_1 — "
        f"got {there['study']}/{there['experiment']}/{there['seed']}, expected made-up/walk/1 — "
        "move it away, then mimicrl init STUDY.yaml --out DIRECTORY"
    )


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        study.load(tmp_path)
    assert str(caught.value) == (
        f"not a study directory — {tmp_path} — got no study.yaml — mimicrl init STUDY.yaml --out DIRECTORY"
    )


@pytest.mark.parametrize("content", [b"study: [", b"study: a\nstudy: b\n", b"study: \xff\n"])
def test_a_damaged_study_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "study.yaml").write_bytes(content)
    with pytest.raises(ArtifactError) as caught:
        study.load(tmp_path)
    assert str(caught.value) == (
        f"not valid YAML — {tmp_path / 'study.yaml'} — mimicrl init STUDY.yaml --out DIRECTORY"
    )


@pytest.mark.parametrize("text", ["", "study: a\n", "study: a\nexperiments: [1]\nexpected_runs: []\n"])
def test_a_study_that_is_not_resolved_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(ArtifactError, match=r"^not a resolved study — .*study\.yaml — got .* — mimicrl init "):
        study.load(tmp_path)
