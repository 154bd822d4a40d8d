"""Aggregation: figures are those of the evaluation, statistics are over seeds, and no run disappears."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from analysis.json_files import edit_json

from mimicrl import artifacts, machine
from mimicrl.analysis import statistics
from mimicrl.analysis.aggregate import experiments_table, runs_table
from mimicrl.analysis.load import load_results
from mimicrl.errors import ArtifactError
from mimicrl.runs import Study
from mimicrl.runs.records import Manifest, ManifestRun, Provenance
from mimicrl.stages.aggregate import aggregate

Make = Callable[..., Path]
MIXED_STUDY = {
    "walk": {1: "completed", 2: "diverged", 3: "completed"},
    "amble": {1: "no directory", 2: "not evaluated"},
}
ORIGIN = ["code_sha256", "lock_sha256", "container", "host", "cpu"]


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def runs_of(directory: Path) -> pd.DataFrame:
    return runs_table(load_results(directory)).set_index(["experiment", "seed"])


def experiments_of(directory: Path) -> pd.DataFrame:
    return experiments_table(load_results(directory)).set_index("experiment")


def test_every_expected_run_has_a_row_and_its_figures_are_those_of_its_summary(make_study: Make) -> None:
    never = {"first_success_samples": None, "first_success_simulated_s": None}
    directory = make_study(MIXED_STUDY, figures={("walk", 3): never})
    table = runs_of(directory)
    assert list(table.index) == [("walk", 1), ("walk", 2), ("walk", 3), ("amble", 1), ("amble", 2)]
    assert table["status"].tolist() == ["completed", "diverged", "completed", "missing", "missing"]
    assert table["problem"].tolist()[3:] == ["no run directory", "not evaluated"]
    assert set(table["total_timesteps"]) == {400_000}
    assert table["first_success_samples"].tolist()[:3] == [300_000, pd.NA, pd.NA]
    assert table["success_reached"].tolist()[:3] == [True, False, False]
    assert table.loc[("walk", 1), ORIGIN].tolist() == ["c0de" * 16, "10cc" * 16, "none", "node1", "Made-up CPU"]
    for run in load_results(directory).runs:
        for name, value in (run.summary.values if run.summary else {}).items():
            assert table.loc[(run.experiment, run.seed), name] == value
    known = ["status", "problem", "total_timesteps", "fingerprint", *ORIGIN]
    assert table.loc["amble"].drop(columns=known).isna().to_numpy().all()


def test_a_metric_that_only_some_runs_have_leaves_empty_cells(make_study: Make) -> None:
    states = {"walk": {1: "completed", 2: "completed"}, "amble": {1: "completed"}}
    directory = make_study(states, figures={("amble", 1): {"reward_energy": -0.1}, ("walk", 1): {"reward": None}})
    runs, experiments = runs_of(directory), experiments_of(directory)
    assert runs["reward_energy"].isna().tolist() == [True, True, False]
    assert runs["reward"].isna().tolist() == [True, False, False]
    assert experiments["reward_energy_values"].tolist() == [(), (-0.1,)]
    assert len(experiments.loc["walk", "reward_values"]) == 1
    assert aggregate(directory).tables


def test_statistics_are_over_seeds(make_study: Make) -> None:
    directory = make_study({"walk": dict.fromkeys(range(1, 8), "completed")})
    runs, row = runs_of(directory), experiments_of(directory).loc["walk"]
    for metric in (*load_results(directory).metrics, "train_seconds"):
        expected = statistics.summarize(runs[metric].tolist())
        assert row[f"{metric}_values"] == expected.values
        found = [row[f"{metric}_{name}"] for name in ("mean", "sd", "iqm", "ci_low", "ci_high")]
        assert found == [expected.mean, expected.sd, expected.iqm, expected.low, expected.high]


@pytest.mark.fault(46)
def test_diverged_seeds_count_and_missing_ones_cannot(make_study: Make) -> None:
    states = {"walk": {1: "completed", 2: "completed", 3: "diverged", 4: "not evaluated"}}
    row = experiments_of(make_study(states, episodes=10)).loc["walk"]
    assert [row[name] for name in ("seeds", "completed", "diverged", "missing")] == [4, 2, 1, 1]
    assert row["stable_episodes"] == 20
    assert row["episodes"] == 30
    assert row["stable_share_values"] == (1.0, 1.0, 0.0)
    assert row["reward_ci_low"] < row["reward_iqm"] - 0.1


def test_seeds_that_never_succeeded_are_not_dropped(make_study: Make) -> None:
    firsts = (80_000, 120_000, None, None, 100_000)
    changes = {
        ("walk", seed): {"first_success_samples": first, "first_success_simulated_s": first and first / 50}
        for seed, first in enumerate(firsts)
    }
    row = experiments_of(make_study({"walk": dict.fromkeys(range(5), "completed")}, figures=changes)).loc["walk"]
    assert row["first_success_samples_values"] == (80_000, 120_000, np.inf, np.inf, 100_000)
    assert row["first_success_reached"] == 3
    ends = row[["first_success_samples_ci_low", "first_success_samples_median", "first_success_samples_ci_high"]]
    assert ends.tolist() == [80_000, 120_000, np.inf]
    assert row["first_success_simulated_s_median"] == 2400


def test_an_experiment_of_missing_runs_has_a_row(make_study: Make) -> None:
    row = experiments_of(make_study(MIXED_STUDY)).loc["amble"]
    assert row[["seeds", "missing", "episodes", "reward_values", "mixed"]].tolist() == [2, 2, 0, (), ""]
    assert row[["reward_mean", "reward_ci_low", "reference_speed_mps", "first_success_samples_median"]].isna().all()


@pytest.mark.parametrize(
    ("stage", "change", "mixed"),
    [
        ("train", {"host": "node2"}, ""),
        ("train", {"code": {"sha256": "other"}}, "code"),
        ("evaluate", {"code": {"sha256": "other"}}, "code"),
        ("train", {"lock_sha256": "other", "container": {"sha256": "x"}}, "lock, container"),
    ],
)
def test_runs_that_were_made_differently_are_told(
    make_study: Make, stage: str, change: dict[str, Any], mixed: str
) -> None:
    directory = make_study({"walk": {1: "completed", 2: "completed"}, "amble": {1: "completed"}})
    edit_json(directory / "walk" / "seed_2" / "provenance" / f"{stage}.json", **change)
    assert experiments_of(directory)["mixed"].tolist() == [mixed, ""]


def test_it_writes_tables_a_manifest_and_its_provenance(make_study: Make) -> None:
    directory = make_study()
    before = set(files(directory))
    made = aggregate(directory)
    study = Study(directory)
    written = {str(path.relative_to(directory)) for path in study.tables}
    written |= {"tables/headline.txt", "manifest.json"}
    assert set(files(directory)) - before == written | {"provenance/aggregate.json"}
    record = Provenance.read(directory / "provenance" / "aggregate.json")
    assert set(record.outputs) == written
    pd.testing.assert_frame_equal(pd.read_parquet(directory / "tables" / "runs.parquet"), made.runs)
    numbers = made.experiments.select_dtypes("number")
    stored = pd.read_parquet(directory / "tables" / "experiments.parquet")
    for table in (stored, pd.read_csv(directory / "tables" / "experiments.csv")):
        pd.testing.assert_frame_equal(table.filter(numbers.columns), numbers, rtol=1e-15)
    assert tuple(stored.loc[0, "reward_values"]) == made.experiments.loc[0, "reward_values"]


def test_the_manifest_says_what_the_tables_are_made_of(make_study: Make) -> None:
    directory = make_study(MIXED_STUDY)
    aggregate(directory, allow_missing=True)
    manifest = Manifest.read(directory / "manifest.json")
    assert manifest.study == "made-up"
    assert manifest.bootstrap.as_json() == {"seed": statistics.SEED, "resamples": 10_000, "confidence": 0.95}
    results = load_results(directory)
    assert {name: run.status for name, run in manifest.runs.items()} == {run.name: run.status for run in results.runs}
    run = results.runs[0]
    assert run.summary is not None
    assert manifest.runs["walk/seed_1"].as_json() == {
        "status": "completed",
        "fingerprint": run.fingerprint,
        "weights_sha256": run.summary.weights_sha256,
        "code_sha256": "c0de" * 16,
        "lock_sha256": "10cc" * 16,
        "container": "none",
    }
    nothing = dict.fromkeys(ManifestRun.model_fields) | {"status": "missing"}
    assert manifest.runs["amble/seed_1"].as_json() == nothing
    tables = {path.name: artifacts.file_sha256(path) for path in (directory / "tables").iterdir()}
    assert manifest.tables == tables


def test_the_same_runs_give_the_same_bytes_anywhere_and_any_time(
    make_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_study(MIXED_STUDY)
    aggregate(directory, allow_missing=True)
    first = files(directory)
    monkeypatch.setattr(machine, "now", lambda: "2031-01-01T00:00:00+00:00")
    monkeypatch.setattr(machine, "host", lambda: "another")
    statistics._resamples.cache_clear()
    elsewhere = shutil.copytree(directory, tmp_path / "elsewhere")
    shutil.rmtree(elsewhere / "tables")
    aggregate(elsewhere, allow_missing=True)
    again = files(elsewhere)
    assert first.pop("provenance/aggregate.json") != again.pop("provenance/aggregate.json")
    assert first == again


def test_a_damaged_study_is_refused_before_anything_is_written(make_study: Make) -> None:
    directory = make_study()
    (directory / "walk" / "seed_3" / "summary.json").write_text("{")
    before = files(directory)
    with pytest.raises(ArtifactError, match="not valid JSON — "):
        aggregate(directory)
    assert files(directory) == before
