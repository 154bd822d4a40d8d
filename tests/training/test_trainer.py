"""Training: what a run leaves behind, what its weights depend on and what not, and how a divergence ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checkpoint_files import change_state
from stage_calls import prepare_run, train

from mimicrl import artifacts
from mimicrl.errors import (
    ArtifactError,
    Interrupted,
    MachineError,
    TrainingDiverged,
    WorkerDied,
)
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training import trainer as training
from mimicrl.training.reporting.json_lines import JsonLines, read_json_lines

ABSURD = {"kind": "constant", "start": 1e3, "end": None, "samples": None}
FASTER = {"kind": "constant", "start": 1e-3, "end": None, "samples": None}


def weights(run: Run, checkpoint: Any = "final") -> bytes:
    return (run.policy_directory(checkpoint) / "policy.safetensors").read_bytes()


def final_weights(run: Run, cores: int = 1) -> bytes:
    train(run, cores=cores)
    return weights(run)


def test_a_run_leaves_policies_tables_and_its_history(trained_run: Run) -> None:
    run = trained_run
    for checkpoint in ("init", "best", "final"):
        policy = Policy.load(run.policy_directory(checkpoint))
        assert policy.about["fingerprint"] == run.fingerprint
        assert (policy.about["study"], policy.about["experiment"], policy.about["seed"]) == ("tiny", "walk", 1)
    assert Policy.load(run.policy_directory("init")).about["samples"] == 0
    assert Policy.load(run.policy_directory("final")).about["samples"] == 512
    assert weights(run, "init") != weights(run)
    outcome = artifacts.read_json(run.outcome_file)
    assert (outcome["status"], outcome["samples"], outcome["problem"]) == ("completed", 512, None)
    assert (outcome["fingerprint"], outcome["total_timesteps"]) == (run.fingerprint, 512)
    assert outcome["train_seconds"] > outcome["evaluation_seconds"] > 0
    progress = artifacts.read_json(run.progress_file)
    assert (progress["state"], progress["samples"], progress["process"]) == ("completed", 512, os.getpid())
    record = artifacts.read_json(run.path / "provenance" / "train.json")
    assert (record["verb"], record["threads"]) == ("train", {"cores": 1})
    attempts = read_json_lines(run.training.attempts_file)
    assert [(row["from"], row["to"], row["why"]) for row in attempts] == [(0, 512, "completed")]
    assert not run.training.attempt_file.exists()
    assert any(path.name.startswith("events") for path in run.tensorboard_directory.iterdir())
    assert sorted(path.name for path in run.training.checkpoints_directory.iterdir()) == [
        "step-000000000384",
        "step-000000000512",
    ]
    assert len([path for path in run.path.rglob("*") if path.is_file()]) <= 40


def test_tables_have_a_row_an_update_and_a_row_an_evaluation(trained_run: Run) -> None:
    metrics, evaluations = pd.read_parquet(trained_run.metrics_file), pd.read_parquet(trained_run.evaluations_file)
    assert metrics["samples"].tolist() == [128, 256, 384, 512]
    told = ["train/learning_rate", "train/approx_kl", "reward/pose", "rollout/ended_by_fall", "rollout/ep_len_mean"]
    assert metrics[told].to_numpy().size == 4 * len(told)
    assert not np.isnan(metrics[told].to_numpy(float)).any()
    assert metrics["eval/stable_episodes"].notna().tolist() == [False, True, False, True]
    assert evaluations["samples"].tolist() == [256, 512]
    assert evaluations["shifted_starts"].tolist() == [False, True]
    assert evaluations["episodes"].tolist() == [4, 4]


def test_best_is_the_policy_of_the_best_evaluation(trained_run: Run) -> None:
    rows = pd.read_parquet(trained_run.evaluations_file)
    rows["score"] = rows["reward"] * rows["duration_s"]
    row = rows.sort_values(["stable_episodes", "score"]).iloc[-1]
    best = artifacts.read_json(trained_run.outcome_file)["best"]
    assert best["samples"] == row["samples"]
    assert best["score"] == [row["stable_episodes"], row["score"]]
    assert Policy.load(trained_run.policy_directory("best")).about["samples"] == best["samples"]


def test_the_same_seed_gives_the_same_bits(prepare, trained_run: Run, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", study="other", experiment="named")
    final_weights(run)
    for checkpoint in ("init", "best", "final"):
        assert weights(run, checkpoint) == weights(trained_run, checkpoint)


def test_another_seed_gives_other_weights(prepare, trained_run: Run, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", seed=2)
    assert final_weights(run) != weights(trained_run)
    assert weights(run, "init") != weights(trained_run, "init")


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    "changes",
    [
        {"evaluation": {"eval_freq": 10**6}},
        {"evaluation": {"eval_freq": 128, "episodes": 3}},
        {"training": {"vec_env": "dummy"}},
        {"training": {"save_freq": 10**6}},
        {"training": {"cores": 2}},
        {},
    ],
)
@pytest.mark.parametrize("cores", [1, 2])
def test_the_weights_do_not_depend_on(prepare: Any, trained_run: Run, tmp_path: Path, changes: Any, cores: int) -> None:
    assert final_weights(prepare(tmp_path / "run", **changes), cores) == weights(trained_run)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (Interrupted("stopped by SIGTERM"), "stopped by SIGTERM"),
        (MachineError("the disk is full"), "the disk is full"),
        (WorkerDied("a worker process died"), "a worker process died"),
        (ValueError("a mistake of ours"), "failed"),
        (KeyboardInterrupt(), "failed"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", ["Policy.save", "CheckpointWriter.due", "MimicPPO.learn", "artifacts.write_bytes"])
def test_an_attempt_that_failed_says_why_wherever_it_did(
    prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, problem: BaseException, why: str
) -> None:
    run = prepare(tmp_path / "run")
    owner, _, name = place.partition(".")
    write = artifacts.write_bytes

    def fail(*words: Any, **_: object) -> None:
        if name == "write_bytes" and words[0] != run.outcome_file:
            write(*words)
        else:
            raise problem

    monkeypatch.setattr(artifacts if owner == "artifacts" else getattr(training, owner), name, fail)
    with pytest.raises(type(problem)):
        train(run, cores=1)
    (attempt,) = read_json_lines(run.training.attempts_file)
    assert (attempt["from"], attempt["to"], attempt["why"]) == (0, 512 if name == "write_bytes" else 0, why)
    assert not run.training.attempt_file.exists()
    assert not run.outcome_file.exists()
    signed = name == "write_bytes"  # for a result that then could not be written
    assert run.provenance_file("train").exists() == signed


def test_results_come_in_an_order_in_which_a_kill_leaves_nothing_incomplete_that_looks_complete(
    prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, order = prepare(tmp_path / "run"), []
    write = artifacts.write_bytes
    append = JsonLines.append

    def spy(path: Path, data: bytes) -> None:
        order.append(path.name)
        write(path, data)

    def spy_append(lines: JsonLines, row: dict[str, Any]) -> None:
        order.append(lines.path.name)
        append(lines, row)

    monkeypatch.setattr(artifacts, "write_bytes", spy)
    monkeypatch.setattr(JsonLines, "append", spy_append)
    train(run, cores=1)
    tables = ["metrics.parquet", "evaluations.parquet"]
    assert order[-6:] == [*tables, "train.json", "outcome.json", "progress.json", "attempts.jsonl"]


def test_what_was_taken_over_from_earlier_attempts_counts(tiny, prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", training={"total_timesteps": 256})
    train(run, cores=1)
    for path in run.training.checkpoints_directory.iterdir():
        change_state(path, lambda state: state.update(seconds=1000.0))
    longer = prepare_run(tiny(), tmp_path, run.path)
    assert 1000.0 < train(longer, cores=1).train_seconds < 2000.0
    assert pd.read_parquet(longer.evaluations_file)["training_seconds"].iloc[-1] > 1000.0


def test_a_checkpoint_that_says_nonsense_of_the_callbacks_is_refused_before_anything_is_touched(
    trained_run: Run, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    for path in run.training.checkpoints_directory.iterdir():
        change_state(path, lambda state: state.update(evaluation=None))
    before = {path: path.read_bytes() for path in run.training.path.rglob("*") if path.is_file()}
    message = r"^a checkpoint's counters are damaged — .*000512 — got evaluation: .* — start from zero with"
    with pytest.raises(ArtifactError, match=message):
        train(run, cores=1)
    assert {path: path.read_bytes() for path in run.training.path.rglob("*") if path.is_file()} == before


def test_a_budget_without_evaluation_makes_the_final_policy_the_best(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", evaluation={"eval_freq": 10**6}, training={"total_timesteps": 128})
    final_weights(run)
    assert weights(run, "best") == weights(run)
    assert artifacts.read_json(run.outcome_file)["best"] is None
    assert pd.read_parquet(run.evaluations_file).empty


def test_a_divergence_by_hand_is_an_error_after_all_results_are_written(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", training={"learning_rate": ABSURD})
    with pytest.raises(TrainingDiverged, match=r"too far|not finite"):
        train(run, cores=1)
    outcome = artifacts.read_json(run.outcome_file)
    assert outcome["status"] == "diverged" and outcome["samples"] <= 512
    assert outcome["problem"].startswith(("an update moved the policy too far", "train/", "a weight", "the policy's"))
    policy = Policy.load(run.policy_directory("final"))
    assert all(np.isfinite(tensor).all() for tensor in policy.tensors.values())
    assert artifacts.read_json(run.progress_file)["state"] == "diverged"
    assert read_json_lines(run.training.attempts_file)[-1]["why"] == "diverged"
    samples = pd.read_parquet(run.metrics_file)["samples"]
    assert samples.is_unique and samples.iloc[-1] == outcome["samples"], "the update that diverged is on record"


def test_a_recorded_divergence_is_a_result_and_the_same_again(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", training={"learning_rate": ABSURD})
    first = train(run, cores=1, record_divergence=True)
    assert first.status == "diverged" and first.problem
    bits = weights(run)
    again = train(run, cores=1, record_divergence=True)
    assert (again.samples, again.problem, weights(run)) == (first.samples, first.problem, bits)


@pytest.mark.parametrize("training", [{}, {"learning_rate": ABSURD}, {"total_timesteps": 256}])
@pytest.mark.parametrize("cores", [1, 2])
def test_nothing_stays_open(prepare, tmp_path: Path, training: Any, cores: int) -> None:
    def handles() -> list[str]:
        found = []
        for entry in Path("/proc/self/fd").iterdir():
            try:
                found.append(str(entry.readlink()))
            except FileNotFoundError:  # the listing's own
                continue
        return sorted(name for name in found if str(tmp_path) in name or "pipe" in name or "socket" in name)

    threads, before = set(threading.enumerate()), handles()
    run = prepare(tmp_path / "run", logging={"tensorboard": True}, training=training)
    with contextlib.suppress(ArtifactError):
        train(run, resume="must" if "total_timesteps" in training else "auto", cores=cores, record_divergence=True)
    assert set(threading.enumerate()) == threads
    assert handles() == before


def test_a_changed_file_of_the_run_is_refused(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    run.walker_file.write_text(run.walker_file.read_text() + "\n")
    with pytest.raises(ArtifactError, match="a file of the run was changed"):
        train(Run(run.path), cores=1)


def test_another_configuration_starts_beside_and_the_old_one_is_found_again(tiny, prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    name_before = run.fingerprint
    bits = {name: (train(run, cores=1), weights(run, name))[1] for name in ("final", "init", "best")}
    other = prepare_run(tiny(training={"learning_rate": FASTER, "net_arch": {"pi": [8, 8]}}), tmp_path, run.path)
    assert other.fingerprint != name_before
    train(other, cores=1)
    assert all(weights(other, name) != bits[name] for name in bits)
    assert len(list((run.path / "training").iterdir())) == 2
    back = prepare_run(tiny(), tmp_path, run.path)
    outcome = train(back, cores=1)
    assert {name: weights(back, name) for name in bits} == bits, "also the first and the best policy are its own again"
    assert outcome.fingerprint == name_before
    assert read_json_lines(back.training.attempts_file)[-1]["from"] == 512
