"""The best policy is the one the outcome tells of, also where a killed attempt had come to a better one."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Prepare, assert_same, checkpoints, saved, table
from stage_calls import prepare_run, train

from mimicrl import artifacts, faultpoints, policy
from mimicrl.errors import ArtifactError
from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.evaluation import EvaluationState


def best_told(run: Run) -> int:
    return artifacts.read_json(run.outcome_file)["best"]["samples"]


@pytest.mark.fault(3)
@pytest.mark.parametrize("times", [1, 2])
def test_a_kill_while_the_best_policy_is_published_leaves_no_half_of_it(
    prepare: Prepare, trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    run = prepare(tmp_path / "run")
    place = run.policy_directory("best")
    write, described = artifacts.write_json, []

    def killed(path: Path, value: Any) -> None:
        if path == place / "policy.json":
            described.append(value["samples"])
            if len(described) == times:
                raise KeyboardInterrupt
        write(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            train(run, cores=1)
    assert (place / "policy.safetensors").exists()
    monkeypatch.setattr(policy, "_WRITER_S", 0.0)  # nobody is writing any more
    with pytest.raises(ArtifactError):
        Policy.load(place)
    train(run, resume="must", cores=1)
    assert_same(run, trained_run)
    assert Policy.load(place).about["samples"] == best_told(run)


@pytest.fixture
def superseded(prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run killed after 640 samples, whose policy was the best one then, with a last checkpoint of 512."""
    run = prepare(
        tmp_path / "run",
        training={"total_timesteps": 1024, "save_freq": 256},
        evaluation={"eval_freq": 128},
    )
    with monkeypatch.context() as patch:
        score(patch, {samples: (samples // 128, 0.5) for samples in range(128, 1024, 128)})
        patch.setenv(faultpoints.VARIABLE, "train.rollout:raise:7")
        patch.setattr(faultpoints, "_reached", Counter())
        with pytest.raises(OSError, match="No space"):
            train(run, cores=1)
    assert saved(run) == [256, 512]
    assert Policy.load(run.policy_directory("best")).about["samples"] == 640
    return run


def score(patch: pytest.MonkeyPatch, scores: dict[int, tuple[int, float]]) -> None:
    """Have evaluations come out with so many stable episodes and such a reward, by samples."""
    note = EvaluationState.note

    def scored(state: EvaluationState, samples: int, summary: Summary) -> bool:
        stable, reward = scores[samples]
        return note(
            state, samples, replace(summary, stable_episodes=stable, values=summary.values | {"reward": reward})
        )

    patch.setattr(EvaluationState, "note", scored)


def assert_best(run: Run, samples: int) -> None:
    """Check that the outcome and the policy tell of the same evaluation, which is one of the history."""
    policy = Policy.load(run.policy_directory("best"))
    assert best_told(run) == samples
    assert policy.about["samples"] == samples
    assert samples in table(run.evaluations_file)["samples"].tolist()


@pytest.mark.fault(54)
def test_a_budget_that_ends_before_the_best_policy_of_a_killed_attempt_has_another_best(
    tiny: Any, superseded: Run, tmp_path: Path
) -> None:
    changes = {"total_timesteps": 512, "save_freq": 256}
    shorter = prepare_run(tiny(training=changes, evaluation={"eval_freq": 128}), tmp_path, superseded.path)
    assert shorter.fingerprint == superseded.fingerprint
    train(shorter, cores=1)
    assert_best(shorter, 512)


@pytest.mark.fault(54)
def test_a_resumed_training_that_comes_out_otherwise_has_its_own_best(
    superseded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, dict.fromkeys(range(128, 1025, 128), (0, 0.1)))
    train(superseded, resume="must", cores=1)
    assert_best(superseded, 512)


def test_an_older_checkpoint_has_the_best_policy_of_its_own_time(
    superseded: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(checkpoints(superseded)[-1] / "state.json", 100)
    score(monkeypatch, dict.fromkeys(range(128, 1025, 128), (0, 0.1)))
    train(superseded, resume="must", cores=1)
    assert_best(superseded, 256)
