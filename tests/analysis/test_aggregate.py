"""Aggregation: figures are those of the evaluation, statistics are over seeds, and no run disappears."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mimicrl.analysis.study import load

from mimicrl import artifacts, machine
from mimicrl.analysis import statistics
from mimicrl.analysis.aggregate import experiments_table, runs_table
from mimicrl.errors import ArtifactError
from mimicrl.runs.records import Provenance
from mimicrl.stages.aggregate import aggregate

Make = Callable[..., Path]
TABLES = sorted(
    [
        *(f"experiments.{ending}" for ending in ("csv", "md", "parquet", "tex")),
        "headline.txt",
        "runs.csv",
        "runs.parquet",
    ]
)
MIXED_STUDY = {
    "walk": {1: "completed", 2: "diverged", 3: "completed"},
    "amble": {1: "no directory", 2: "not evaluated"},
}


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def runs_of(directory: Path) -> pd.DataFrame:
    return runs_table(load(directory)).set_index(["experiment", "seed"])


def experiments_of(directory: Path) -> pd.DataFrame:
    return experiments_table(load(directory)).set_index("experiment")


def test_a_runs_figures_are_those_of_its_summary(make_study: Make) -> None:
    directory = make_study(MIXED_STUDY)
    table = runs_of(directory)
    for run in load(directory).runs:
        row = table.loc[(run.experiment, run.seed)]
        for name, value in (run.summary.values if run.summary else {}).items():
            assert row[name] == value


def test_a_metric_that_only_some_runs_have_leaves_empty_cells(make_study: Make) -> None:
    states = {"walk": {1: "completed", 2: "completed"}, "amble": {1: "completed"}}
    directory = make_study(states, figures={("amble", 1): {"reward_energy": -0.1}, ("walk", 1): {"reward": None}})
    aggregate(directory)
    runs, experiments = runs_of(directory), experiments_of(directory)
    assert runs["reward_energy"].isna().tolist() == [True, True, False]
    assert runs["reward"].isna().tolist() == [True, False, False]
    assert experiments["reward_energy_values"].tolist() == [(), (-0.1,)]
    assert experiments["reward_energy_mean"].isna().tolist() == [True, False]
    assert len(experiments.loc["walk", "reward_values"]) == 1


def test_every_expected_run_has_a_row(make_study: Make) -> None:
    table = runs_of(make_study(MIXED_STUDY))
    assert list(table.index) == [("walk", 1), ("walk", 2), ("walk", 3), ("amble", 1), ("amble", 2)]
    assert table["status"].tolist() == ["completed", "diverged", "completed", "missing", "missing"]
    assert table["problem"].tolist()[3:] == ["no run directory", "not evaluated"]
    assert table["problem"].isna().tolist() == [True, False, True, False, False]
    assert set(table["total_timesteps"]) == {400_000}
    known = ["status", "problem", "total_timesteps", "fingerprint", *table.loc[:, "code_sha256":]]
    assert table.loc["amble"].drop(columns=known).isna().to_numpy().all()
    of_success = ["first_success_samples", "first_success_simulated_s"]
    assert table.loc["walk"].drop(columns=["problem", *of_success]).notna().to_numpy().all()


def test_a_run_tells_where_it_comes_from(make_study: Make) -> None:
    directory = make_study({"walk": {1: "completed"}})
    (run,) = load(directory).runs
    row = runs_of(directory).loc[("walk", 1)]
    record = run.provenance["train"]
    assert run.policy is not None
    assert (row["fingerprint"], row["weights_sha256"]) == (run.fingerprint, run.policy.weights_sha256)
    assert (row["code_sha256"], row["cpu"]) == (record["code"]["sha256"], record["cpu"]["model"])
    assert [row[name] for name in ("lock_sha256", "container", "host")] == ["10cc" * 16, "none", "node1"]


def test_a_run_without_records_is_still_a_run(make_study: Make) -> None:
    directory = make_study({"walk": {1: "completed"}})
    shutil.rmtree(directory / "walk" / "seed_1" / "provenance")
    row = runs_of(directory).loc[("walk", 1)]
    assert row["status"] == "completed" and row["reward"] > 0.8
    assert row[["code_sha256", "lock_sha256", "container", "host", "cpu"]].isna().all()


@pytest.mark.parametrize("damaged", ["text", ["list"], None, 3])
def test_a_record_with_other_values_than_text_tells_nothing(make_study: Make, damaged: Any) -> None:
    change = dict.fromkeys(("code", "lock_sha256", "container", "host", "cpu"), damaged) | {
        "host": [1],
        "container": {},
    }
    directory = make_study({"walk": {1: "completed", 2: "completed"}}, provenance={("walk", 1): change})
    aggregate(directory)
    row = runs_of(directory).loc[("walk", 1)]
    assert row[["code_sha256", "container", "host", "cpu"]].isna().all()


def test_success_is_reached_or_not(make_study: Make) -> None:
    never = {"first_success_samples": None, "first_success_simulated_s": None}
    table = runs_of(make_study({"walk": {1: "completed", 2: "completed"}}, figures={("walk", 2): never}))
    assert table["success_reached"].tolist() == [True, False]
    assert table["first_success_samples"].dtype == "Int64"
    assert table.loc[("walk", 1), "first_success_samples"] == 300_000
    assert table.loc[("walk", 2), "first_success_samples"] is pd.NA


def test_statistics_are_over_seeds(make_study: Make) -> None:
    directory = make_study({"walk": dict.fromkeys(range(1, 8), "completed")})
    runs, row = runs_of(directory), experiments_of(directory).loc["walk"]
    for metric in (*load(directory).metrics, "train_seconds"):
        expected = statistics.summarize(runs[metric].tolist())
        assert row[f"{metric}_values"] == expected.values
        names = ("mean", "sd", "iqm", "ci_low", "ci_high")
        assert [row[f"{metric}_{name}"] for name in names] == pytest.approx(
            [expected.mean, expected.sd, expected.iqm, expected.low, expected.high], rel=1e-15
        )


def test_more_episodes_of_the_same_seeds_tell_nothing_more(make_study: Make, tmp_path: Path) -> None:
    same = {("walk", seed): {"reward": seed / 10, "speed_mps": 1.0 + seed / 10} for seed in range(1, 6)}
    states = {"walk": dict.fromkeys(range(1, 6), "completed")}
    few, many = (
        experiments_of(make_study(states, directory=tmp_path / str(count), episodes=count, figures=same))
        for count in (2, 200)
    )
    columns = [f"{metric}_{key}" for metric in ("reward", "speed_mps") for key in ("values", "sd", "iqm", "ci_low")]
    for name in columns:
        assert few.loc["walk", name] == pytest.approx(many.loc["walk", name], rel=1e-9), name


@pytest.mark.fault(46)
def test_diverged_seeds_count_and_missing_ones_cannot(make_study: Make) -> None:
    states = {"walk": {1: "completed", 2: "completed", 3: "diverged", 4: "not evaluated"}}
    row = experiments_of(make_study(states, episodes=10)).loc["walk"]
    assert [row[name] for name in ("seeds", "completed", "diverged", "missing")] == [4, 2, 1, 1]
    assert (row["stable_episodes"], row["episodes"]) == (20, 30)
    assert row["stable_share_values"] == (1.0, 1.0, 0.0)
    assert row["stable_share_mean"] == pytest.approx(2 / 3)
    assert row["reward_ci_low"] < row["reward_iqm"] - 0.1


def test_seeds_that_never_succeeded_are_not_dropped(make_study: Make) -> None:
    firsts = {1: 80_000, 2: 120_000, 3: None, 4: None, 5: 100_000}
    changes = {
        ("walk", seed): {"first_success_samples": first, "first_success_simulated_s": first and first / 50}
        for seed, first in firsts.items()
    }
    row = experiments_of(make_study({"walk": dict.fromkeys(firsts, "completed")}, figures=changes)).loc["walk"]
    assert row["first_success_samples_values"] == (80_000, 120_000, np.inf, np.inf, 100_000)
    assert (row["first_success_reached"], row["total_timesteps"]) == (3, 400_000)
    assert row["first_success_samples_median"] == 120_000
    assert row["first_success_simulated_s_median"] == 2400
    assert (row["first_success_samples_ci_low"], row["first_success_samples_ci_high"]) == (80_000, np.inf)


def test_an_experiment_of_missing_runs_has_a_row(make_study: Make) -> None:
    table = experiments_of(make_study(MIXED_STUDY))
    assert list(table.index) == ["walk", "amble"]
    row = table.loc["amble"]
    assert (row["seeds"], row["missing"], row["episodes"], row["reward_values"], row["mixed"]) == (2, 2, 0, (), "")
    assert row[["reward_mean", "reward_ci_low", "reference_speed_mps", "first_success_samples_median"]].isna().all()


@pytest.mark.parametrize(
    ("verb", "change", "mixed"),
    [
        ("train", {}, ""),
        ("train", {"host": "node2", "cpu": {"model": "other"}}, ""),
        ("train", {"code": {"sha256": "other"}}, "code"),
        ("evaluate", {"code": {"sha256": "other"}}, "code"),
        (
            "train",
            {"code": {"sha256": "other"}, "lock_sha256": "other", "container": {"sha256": "x"}},
            "code, lock, container",
        ),
    ],
)
def test_runs_that_were_made_differently_are_told(
    make_study: Make, verb: str, change: dict[str, Any], mixed: str
) -> None:
    directory = make_study({"walk": {1: "completed", 2: "completed"}, "amble": {1: "completed"}})
    path = directory / "walk" / "seed_2" / "provenance" / f"{verb}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert experiments_of(directory)["mixed"].tolist() == [mixed, ""]
    aggregate(directory)
    assert (
        "† The runs were not all made with the same: " in (directory / "tables" / "experiments.md").read_text()
    ) == (mixed != "")


def test_it_writes_tables_a_manifest_and_its_provenance(make_study: Make) -> None:
    directory = make_study()
    before = set(files(directory))
    made = aggregate(directory)
    written = {f"tables/{name}" for name in TABLES} | {"manifest.json"}
    assert set(files(directory)) - before == written | {"provenance/aggregate.json"}
    record = Provenance.read(directory / "provenance" / "aggregate.json")
    assert (record.verb, set(record.outputs)) == ("aggregate", written)
    pd.testing.assert_frame_equal(pd.read_parquet(directory / "tables" / "runs.parquet"), made.runs)
    numbers = made.experiments.select_dtypes("number")
    for stored in (
        pd.read_parquet(directory / "tables" / "experiments.parquet"),
        pd.read_csv(directory / "tables" / "experiments.csv"),
    ):
        pd.testing.assert_frame_equal(stored.filter(numbers.columns), numbers, rtol=1e-15)
    table = pd.read_parquet(directory / "tables" / "experiments.parquet")
    assert tuple(table.loc[0, "reward_values"]) == made.experiments.loc[0, "reward_values"]


def test_the_manifest_says_what_the_tables_are_made_of(make_study: Make) -> None:
    directory = make_study(MIXED_STUDY)
    aggregate(directory, allow_missing=True)
    manifest = artifacts.read_json(directory / "manifest.json")
    assert list(manifest) == ["study", "bootstrap", "runs", "tables"]
    assert manifest["study"] == "made-up"
    assert manifest["bootstrap"] == {"seed": statistics.SEED, "resamples": 10_000, "confidence": 0.95}
    assert {name: run["status"] for name, run in manifest["runs"].items()} == {
        "walk/seed_1": "completed",
        "walk/seed_2": "diverged",
        "walk/seed_3": "completed",
        "amble/seed_1": "missing",
        "amble/seed_2": "missing",
    }
    (run, *_) = load(directory).runs
    assert run.policy is not None
    assert manifest["runs"]["walk/seed_1"] == {
        "status": "completed",
        "fingerprint": run.fingerprint,
        "weights_sha256": run.policy.weights_sha256,
        "code_sha256": "c0de" * 16,
        "lock_sha256": "10cc" * 16,
        "container": "none",
    }
    nothing = dict.fromkeys(("fingerprint", "weights_sha256", "code_sha256", "lock_sha256", "container"))
    assert manifest["runs"]["amble/seed_1"] == {"status": "missing", **nothing}
    assert manifest["tables"] == {
        name: artifacts.file_sha256(directory / "tables" / name) for name in manifest["tables"]
    }
    assert sorted(manifest["tables"]) == TABLES


def test_the_same_runs_give_the_same_bytes_anywhere_and_any_time(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_study(MIXED_STUDY)
    aggregate(directory, allow_missing=True)
    first = files(directory)
    monkeypatch.setattr(machine, "now", lambda: "2031-01-01T00:00:00+00:00")
    monkeypatch.setattr(machine, "host", lambda: "another")
    statistics._resamples.cache_clear()
    aggregate(directory, allow_missing=True)
    again = files(directory)
    shutil.copytree(directory, tmp_path / "elsewhere")
    shutil.rmtree(tmp_path / "elsewhere" / "tables")
    aggregate(tmp_path / "elsewhere", allow_missing=True)
    elsewhere = files(tmp_path / "elsewhere")
    records = [content.pop("provenance/aggregate.json") for content in (first, again, elsewhere)]
    assert b"2031" not in records[0] and b"2031" in records[1]
    assert first == again == elsewhere


def test_a_study_with_missing_runs_is_refused_before_anything_is_written(make_study: Make) -> None:
    directory = make_study(MIXED_STUDY)
    before = files(directory)
    with pytest.raises(ArtifactError) as caught:
        aggregate(directory)
    assert str(caught.value) == (
        f"2 of 5 runs are missing — {directory} — got amble/seed_1 (no run directory), amble/seed_2 (not evaluated) — "
        "finish them with snakemake, or pass --allow-missing"
    )
    assert files(directory) == before


def test_a_damaged_file_is_an_error_even_where_runs_may_be_missing(make_study: Make) -> None:
    directory = make_study(MIXED_STUDY)
    path = directory / "walk" / "seed_3" / "summary.json"
    path.write_bytes(path.read_bytes()[:-10])
    before = files(directory)
    with pytest.raises(ArtifactError, match=f"^not valid JSON — {path} — "):
        aggregate(directory, allow_missing=True)
    assert files(directory) == before
