"""Reading a study: a run that is not finished is seen to be so, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from analysis.conftest import record
from analysis.json_files import edit_json

from mimicrl import artifacts
from mimicrl.analysis.load import RunResult, load_results
from mimicrl.errors import ArtifactError
from mimicrl.runs import Run

Make = Callable[..., Path]
WALK = {"walk": {1: "completed"}}


def only_run(directory: Path) -> RunResult:
    (run,) = load_results(directory).runs
    return run


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
def test_a_run_is_completed_diverged_or_missing(make_study: Make, state: str, status: str, problem: str | None) -> None:
    run = only_run(make_study({"walk": {7: state}}))
    assert run.name == "walk/seed_7"
    assert (run.status, run.problem) == (status, problem)
    assert run.finished == (status != "missing")
    for content in (run.outcome, run.summary):
        assert (content is not None) == run.finished


def test_what_a_killed_write_left_is_no_record(make_study: Make) -> None:
    directory = make_study(WALK)
    record("train").write(directory / "walk" / "seed_1" / "provenance" / ".tmp-12345678-train.json")
    assert list(only_run(directory).provenance) == ["evaluate", "init", "train"]


@pytest.mark.parametrize(
    ("file", "problem"),
    [("run.json", "no run directory"), ("policies/final/policy.json", "not trained to its end")],
)
def test_a_run_without_a_file_is_missing(make_study: Make, file: str, problem: str) -> None:
    directory = make_study(WALK)
    (directory / "walk" / "seed_1" / file).unlink()
    assert only_run(directory).problem == problem


def test_only_expected_runs_count_in_the_order_of_the_study(make_study: Make) -> None:
    directory = make_study({"walk": {3: "completed", 1: "diverged"}, "amble": {2: "no directory", 1: "completed"}})
    content = yaml.safe_load((directory / "study.yaml").read_text())
    content["expected_runs"].pop()
    (directory / "study.yaml").write_text(yaml.safe_dump(content))
    results = load_results(directory)
    assert results.name == "made-up"
    assert [run.name for run in results.runs] == ["walk/seed_3", "walk/seed_1", "amble/seed_2"]
    assert {name: [run.seed for run in runs] for name, runs in results.experiments.items()} == {
        "walk": [3, 1],
        "amble": [2],
    }


# A longer budget may extend a training, and then leaves the fingerprint as it is.
@pytest.mark.parametrize(
    ("file", "changes", "problem"),
    [
        ("outcome.json", {"total_timesteps": 200_000, "samples": 200_000}, "not trained to its end"),
        ("summary.json", {"episodes": 20}, None),
        ("summary.json", {"episodes": 19}, "not evaluated"),
        ("summary.json", {"episodes": 40}, "not evaluated"),
    ],
)
def test_a_shorter_training_or_another_number_of_episodes_is_not_what_the_study_asks_for(
    make_study: Make, file: str, changes: dict[str, int], problem: str | None
) -> None:
    directory = make_study(WALK, budget=400_000, episodes=20)
    edit_json(directory / "walk" / "seed_1" / file, **changes)
    assert only_run(directory).problem == problem


def test_missing_runs_are_refused_and_the_first_are_named(make_study: Make) -> None:
    load_results(make_study({"walk": {1: "completed", 2: "diverged"}}, name="whole")).require_complete()
    directory = make_study({"walk": {1: "completed", **dict.fromkeys(range(2, 7), "not trained")}})
    with pytest.raises(ArtifactError) as caught:
        load_results(directory).require_complete()
    named = ", ".join(f"walk/seed_{seed} (not trained to its end)" for seed in (2, 3, 4))
    assert str(caught.value) == (
        f"5 of 6 runs are missing — {directory} — got {named}, and 2 more — "
        "finish them with snakemake, or pass --allow-missing"
    )


def test_a_study_has_every_metric_that_a_run_has_in_the_order_of_the_runs(make_study: Make) -> None:
    states = {"walk": {1: "completed"}, "amble": {1: "completed"}, "lost": {1: "not trained"}}
    results = load_results(make_study(states, figures={("amble", 1): {"reward_energy": 0.1}}))
    first = next(run.summary.values for run in results.runs if run.summary)
    assert list(results.metrics) == [*first, "reward_energy"]


@pytest.mark.parametrize(("weights", "there"), [("present", True), ("others", False), (None, True)])
def test_a_video_of_other_weights_does_not_count(make_study: Make, weights: str | None, there: bool) -> None:
    """After further training a video shows what was; one whose record does not name its weights is believed."""
    directory = make_study(WALK)
    run = only_run(directory)
    assert run.video is None
    assert run.summary is not None
    video = Run(run.path).video_file("final.mp4")
    artifacts.write_bytes(video, b"film")
    assert run.video == video
    named = {
        "present": {"weights_sha256": run.summary.weights_sha256},
        "others": {"weights_sha256": "0" * 64},
        None: {},
    }
    record("replay", result=named[weights]).write(Run(run.path).provenance_file("replay"))
    assert (only_run(directory).video is not None) == there


@pytest.mark.fault(45)
@pytest.mark.parametrize("change", [{"seed": 2}, {"experiment": "run"}, {"study": "other"}])
def test_a_copied_run_is_refused(make_study: Make, change: dict[str, Any]) -> None:
    directory = make_study(WALK)
    edit_json(directory / "walk" / "seed_1" / "run.json", **change)
    there = {"study": "made-up", "experiment": "walk", "seed": 1} | change
    with pytest.raises(ArtifactError) as caught:
        load_results(directory)
    assert str(caught.value) == (
        f"the directory belongs to another run — {directory}/walk/seed_1 — "
        f"got {there['study']}/{there['experiment']}/{there['seed']}, expected made-up/walk/1 — "
        "move it away, then mimicrl init STUDY.yaml --out DIRECTORY"
    )
