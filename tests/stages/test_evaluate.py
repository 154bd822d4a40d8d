"""`evaluate`: the tables of a run, the same bytes every time, and only for a policy of this run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from stage_calls import evaluate

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.policy import Policy
from mimicrl.runs import Checkpoint, Run
from mimicrl.runs.summary import EvaluationSummary


@pytest.fixture
def run(trained_run: Run, tmp_path: Path) -> Run:
    """A copy of the trained run."""
    shutil.copytree(trained_run.path, tmp_path / "run")
    return Run(tmp_path / "run")


def test_it_writes_the_tables_of_the_final_policy(run: Run) -> None:
    summary = evaluate(run)
    episodes: Any = pd.read_parquet(run.path / "episodes.parquet")
    assert episodes["start_phase"].tolist() == [0.0, 0.25, 0.5, 0.75]
    assert (summary.episodes, summary.stable_episodes) == (4, episodes["stable"].sum())
    assert summary.values["reward"] == episodes["reward"].mean()
    assert max(episodes["duration_s"]) <= 0.5
    assert len(pd.read_parquet(run.path / "gait_cycle.parquet")) == 8 * 101
    assert artifacts.read_json(run.path / "provenance" / "evaluate.json")["verb"] == "evaluate"


def test_two_evaluations_give_identical_bytes_for_any_number_of_threads(run: Run) -> None:
    evaluate(run)
    before = {file.name: file.read_bytes() for file in (*run.path.glob("*.parquet"), run.path / "summary.json")}
    evaluate(run, threads=2)
    assert artifacts.read_json(run.provenance_file("evaluate"))["threads"] == {"physics": 2}
    assert {file.name: file.read_bytes() for file in (*run.path.glob("*.parquet"), run.path / "summary.json")} == before


def test_every_policy_has_tables_of_its_own(run: Run) -> None:
    folders: dict[Checkpoint, str] = {
        "init": "evaluations/standard-init",
        "best": "evaluations/standard-best",
        "final": "",
    }
    rewards = {checkpoint: evaluate(run, checkpoint).values["reward"] for checkpoint in folders}
    assert rewards["init"] != rewards["final"]
    names = {file.name for file in run.provenance_directory.glob("evaluate*")}
    assert names == {"evaluate.json", "evaluate-standard-best.json", "evaluate-standard-init.json"}
    for checkpoint, folder in folders.items():
        table: Any = pd.read_parquet(run.path / folder / "episodes.parquet")
        assert table["reward"].mean() == rewards[checkpoint]
        assert (run.path / folder / "gait_cycle.parquet").exists()
        summary = EvaluationSummary.read(run.path / folder / "summary.json")
        assert (summary.protocol, summary.checkpoint) == ("standard", checkpoint)
        assert summary.values["reward"] == rewards[checkpoint]
        assert summary.weights_sha256 == Policy.of_run(run, checkpoint).weights_sha256


def test_the_final_evaluation_is_that_of_training(run: Run) -> None:
    # The last evaluation in training is of the final policy, but from shifted starts; the best one here was not.
    rows: Any = pd.read_parquet(run.evaluations_file)
    best = artifacts.read_json(run.outcome_file)["best"]["samples"]
    row = rows[rows["samples"] == best].iloc[0]
    summary = evaluate(run, "best")
    assert (summary.values["reward"] == row["reward"]) == (not row["shifted_starts"])


def test_the_number_of_episodes_and_the_place_can_be_chosen(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "mine.parquet"
    assert evaluate(run, episodes=7, out=out).episodes == 7
    np.testing.assert_allclose(pd.read_parquet(out)["start_phase"], np.arange(7) / 7)
    assert (out.parent / "mine-gait_cycle.parquet").exists()
    assert artifacts.read_json(out.parent / "mine-summary.json")["episodes"] == 7
    assert not (run.path / "episodes.parquet").exists()
    assert not list((run.path / "provenance").glob("evaluate*")), "the run's own tables are not from this evaluation"


@pytest.mark.fault(45)
def test_a_policy_of_another_configuration_is_refused_and_so_is_a_changed_motion(run: Run) -> None:
    description = run.description_file("final")
    content = artifacts.read_json(description)
    artifacts.write_json(description, content | {"fingerprint": "0" * 12})
    with pytest.raises(ConfigError, match=rf"^the policy was trained with another .* expected {run.fingerprint} — "):
        evaluate(run)
    run.motion_file.write_bytes(run.motion_file.read_bytes() + b"x")
    with pytest.raises(ArtifactError, match=r"^a file of the run was changed — .*motion.npz"):
        evaluate(run)
