"""Reading a study: a run that is not finished is seen to be so and told why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from analysis.json_files import edit_json

from mimicrl import artifacts
from mimicrl.analysis import study
from mimicrl.errors import ArtifactError, ConfigError

WALK = {"walk": {1: "completed"}}


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
    for content in (run.outcome, run.summary, run.policy):
        assert (content is not None) == run.finished


def test_a_finished_run_comes_with_what_its_files_say(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK, episodes=5, budget=50_000, figures={("walk", 1): {"reward": 0.5}})
    (run,) = study.load(directory).runs
    assert run.outcome is not None and run.policy is not None and run.summary is not None
    assert run.outcome.samples == run.policy.as_json()["samples"] == 50_000
    assert run.fingerprint == run.outcome.fingerprint
    assert (run.summary.episodes, run.summary.values["reward"]) == (5, 0.5)
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


def test_an_outcome_without_its_policy_is_not_trained_to_its_end(make_study: Callable[..., Path]) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / "policies" / "final" / "policy.json").unlink()
    (run,) = study.load(directory).runs
    assert (run.status, run.problem) == ("missing", "not trained to its end")


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


def test_a_study_has_every_metric_that_a_run_has_in_the_order_of_the_runs(make_study: Callable[..., Path]) -> None:
    states = {"walk": {1: "completed"}, "amble": {1: "completed"}, "lost": {1: "not trained"}}
    results = study.load(make_study(states, figures={("amble", 1): {"reward_energy": 0.1}}))
    first = next(run.summary.values for run in results.runs if run.summary)
    assert list(results.metrics) == [*first, "reward_energy"]


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


@pytest.mark.fault(45)
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


@pytest.mark.parametrize(
    "text", ["", "format: 1\nstudy: a\n", "format: 1\nstudy: a\nexperiments: [1]\nexpected_runs: []\n"]
)
def test_a_study_that_is_not_resolved_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.yaml").write_text(text)
    with pytest.raises(
        ArtifactError,
        match=r"^a file of the run is damaged — .*study\.yaml — got .* with mimicrl init ",
    ):
        study.load(tmp_path)
