"""A training that was stopped, killed, damaged or extended ends with the bits of one that was not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError
from mimicrl.mimic.prepare import prepare_run
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training.logs import read_json_lines
from mimicrl.training.train import train

BUDGET = 4096
STOPPED, INTERRUPTED_BY_USER = 75, 130
CHANGES: dict[str, Any] = {"training": {"total_timesteps": BUDGET}, "evaluation": {"interval": 512}}
CLOCKS = ["time/fps", "time/time_elapsed", "seconds", "training_seconds", "cpu_seconds"]


def weights(run: RunDirectory, checkpoint: Any = "final") -> bytes:
    return (run.policy_directory(checkpoint) / "policy.safetensors").read_bytes()


def table(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file).drop(columns=CLOCKS, errors="ignore")


def checkpoints(run: RunDirectory) -> list[Path]:
    return sorted((run.training_directory / "checkpoints").glob("step-*"))


def state(run: RunDirectory) -> dict[Path, str]:
    """What the files of the training hold."""
    files = (path for path in run.training_directory.rglob("*") if path.is_file() and path.name != "lock")
    return {path: artifacts.file_sha256(path) for path in files}


def assert_same(one: RunDirectory, other: RunDirectory) -> None:
    """Check weights, best policy and history."""
    for checkpoint in ("init", "best", "final"):
        assert weights(one, checkpoint) == weights(other, checkpoint), checkpoint
    assert table(one.metrics_file)["samples"].is_unique
    pd.testing.assert_frame_equal(table(one.metrics_file), table(other.metrics_file), check_like=True)
    pd.testing.assert_frame_equal(table(one.evaluations_file), table(other.evaluations_file))
    told = [artifacts.read_json(run.outcome_file) for run in (one, other)]
    for key in ("status", "samples", "fingerprint", "first_success_samples", "best"):
        assert told[0][key] == told[1][key], key


@pytest.fixture(scope="module")
def uninterrupted(prepare, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """The run that nothing happened to."""
    run = prepare(tmp_path_factory.mktemp("resume") / "whole", **CHANGES)
    train(run, threads=1)
    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_process_continues_to_the_same_bits(
    prepare, uninterrupted: RunDirectory, tmp_path: Path, number: signal.Signals
) -> None:
    run = prepare(tmp_path / "run", **CHANGES)
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        while process.poll() is None and not checkpoints(run):
            time.sleep(0.005)
        process.send_signal(number)
        output, _ = process.communicate()
    assert process.returncode == (STOPPED if number == signal.SIGTERM else -number), output
    assert 0 < int(checkpoints(run)[-1].name[5:]) < BUDGET, "the signal came in the middle"
    if number == signal.SIGTERM:
        assert output.splitlines()[-1].startswith("mimicrl train: stopped by SIGTERM — after ")
        assert output.splitlines()[-1].endswith("samples — run the same command again to continue")
        assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    outcome = train(run, resume="must", threads=1)
    assert outcome.samples == BUDGET
    attempts = read_json_lines(run.training_directory / "attempts.jsonl")
    assert attempts[-1]["from"] > 0 and attempts[-1]["why"] == "completed"
    if number == signal.SIGTERM:
        assert attempts[0]["why"] == "stopped by SIGTERM" and attempts[0]["to"] == attempts[1]["from"]
    assert_same(run, uninterrupted)


@pytest.mark.parametrize("kind", ["batched", "dummy"])
def test_a_longer_budget_extends(prepare, tiny, tmp_path: Path, kind: str) -> None:
    half, whole = ({"total_timesteps": total, "vec_env": kind} for total in (384, 768))
    run = prepare(tmp_path / "run", training=half)
    train(run, threads=1)
    extended = prepare_run(tiny(training=whole), tmp_path, run.path)
    assert extended.fingerprint == run.fingerprint
    assert train(extended, threads=1).samples == 768
    at_once = prepare(tmp_path / "at_once", training=whole)
    train(at_once, threads=1)
    assert_same(extended, at_once)


# Of the checkpoints of 384 and 512 samples that are kept, even the older one would not do for a budget of 384: the
# best policy is already of 512.
@pytest.mark.parametrize(("budget", "resume"), [(128, "auto"), (128, "must"), (384, "auto")])
def test_a_shorter_budget_than_the_training_took_is_refused(
    tiny, trained_run: RunDirectory, tmp_path: Path, budget: int, resume: Any
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    shorter = prepare_run(tiny(training={"total_timesteps": budget}), tmp_path, run.path)
    assert shorter.fingerprint == trained_run.fingerprint
    before = state(shorter)
    message = (
        r"^the training has gone further than its budget — .*/checkpoints — got total_timesteps "
        rf"{budget} — raise total_timesteps, or start from nothing with --resume never$"
    )
    with pytest.raises(ConfigError, match=message):
        train(shorter, resume=resume, threads=1)
    assert state(shorter) == before, "the longer training is all there"
    again = prepare_run(tiny(), tmp_path, run.path)
    assert train(again, threads=1).samples == 512
    assert_same(again, trained_run)


def test_a_shorter_budget_starts_from_nothing_when_asked_to(
    prepare, tiny, trained_run: RunDirectory, tmp_path: Path
) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    shorter = prepare_run(tiny(training={"total_timesteps": 128}), tmp_path, run.path)
    assert train(shorter, resume="never", threads=1).samples == 128
    assert [path.name for path in checkpoints(shorter)] == ["step-000000000128"]
    at_once = prepare(tmp_path / "at_once", training={"total_timesteps": 128})
    train(at_once, threads=1)
    assert_same(shorter, at_once)


def test_a_finished_run_stays_as_it_is(prepare, trained_run: RunDirectory, tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    train(run, threads=1)
    assert_same(run, trained_run)


@pytest.fixture
def damaged(trained_run: RunDirectory, tmp_path: Path) -> RunDirectory:
    """A finished run whose newest checkpoint, of 512 samples, was cut; one of 384 is left."""
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    cut(checkpoints(run)[-1])
    return run


def cut(path: Path) -> None:
    os.truncate(path / "tensors.safetensors", 100)


def test_a_damaged_checkpoint_falls_back_to_the_older_and_says_so(
    damaged: RunDirectory, trained_run: RunDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    train(damaged, threads=1)
    assert read_json_lines(damaged.training_directory / "attempts.jsonl")[-1]["from"] == 384
    assert_same(damaged, trained_run)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 1
    assert "a checkpoint's file was cut" in warnings[0] and "step-000000000512" in warnings[0]


def test_when_all_checkpoints_are_damaged_nothing_is_overwritten(damaged: RunDirectory) -> None:
    cut(checkpoints(damaged)[0])
    before = state(damaged)
    message = (
        r"^no checkpoint can be read — .*/checkpoints — got .*000512.*; .*000384.* — start .* with --resume never$"
    )
    with pytest.raises(ArtifactError, match=message):
        train(damaged, threads=1)
    assert state(damaged) == before


def test_starting_anew_ignores_and_removes_what_was_there(damaged: RunDirectory, trained_run: RunDirectory) -> None:
    cut(checkpoints(damaged)[0])
    train(damaged, resume="never", threads=1)
    assert read_json_lines(damaged.training_directory / "attempts.jsonl")[-1]["from"] == 0
    assert_same(damaged, trained_run)


def test_a_run_started_anew_and_killed_does_not_fall_back_into_the_old_history(
    prepare, trained_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mimicrl.training.callbacks import CheckpointCallback

    run = RunDirectory(tmp_path / "run")
    shutil.copytree(trained_run.path, run.path)
    reach = CheckpointCallback.at_boundary

    def killed(self: CheckpointCallback) -> None:
        reach(self)
        if self.num_timesteps == 128:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointCallback, "at_boundary", killed)
        with pytest.raises(KeyboardInterrupt):
            train(run, resume="never", threads=1)
    assert [path.name for path in checkpoints(run)] == ["step-000000000128"]
    train(run, threads=1)
    assert_same(run, trained_run)


@pytest.mark.parametrize("place", ["training", "run"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_kill_while_the_best_policy_is_published_leaves_no_half_of_it(
    prepare, trained_run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, times: int
) -> None:
    run = prepare(tmp_path / "run")
    places = {"training": run.training_directory / "policies" / "best", "run": run.policy_directory("best")}
    write, described = artifacts.write_json, []

    def killed(path: Path, value: Any) -> None:
        if path == places[place] / "policy.json":
            described.append(value["samples"])
            if len(described) == times:
                raise KeyboardInterrupt
        write(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(artifacts, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            train(run, threads=1)
    assert (places[place] / "policy.safetensors").exists()
    with pytest.raises(ArtifactError):
        Policy.load(places[place])
    train(run, resume="must", threads=1)
    assert_same(run, trained_run)
    best = artifacts.read_json(run.outcome_file)["best"]["samples"]
    for directory in places.values():
        assert Policy.load(directory).about["samples"] == best
    assert weights(run, "best") == (places["training"] / "policy.safetensors").read_bytes()


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_ctrl_c_reaches_the_environments_too_and_the_trainer_alone_decides(prepare, tmp_path: Path) -> None:
    changes = {"training": {"vec_env": "subproc", "n_envs": 2, "total_timesteps": 20_000, "checkpoint_interval": 10**6}}
    run = prepare(tmp_path / "run", **changes, evaluation={"interval": 10**6})
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--threads", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        metrics = run.training_directory / "metrics.jsonl"
        while process.poll() is None and not (metrics.exists() and metrics.read_bytes().count(b"\n") > 1):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, output = process.communicate()
    assert process.returncode == INTERRUPTED_BY_USER, output
    samples = int(checkpoints(run)[-1].name[5:])
    assert output.splitlines()[-1] == (
        f"mimicrl train: stopped by SIGINT — after {samples} samples — run the same command again to continue"
    )
    assert "Traceback" not in output and 0 < samples < 20_000
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    for _ in range(1000):  # who was orphaned ends a moment later
        if group_is_empty(process.pid):
            break
        time.sleep(0.03)
    assert group_is_empty(process.pid), "an environment's process is left"


def test_continuing_needs_a_checkpoint_when_asked_to(prepare, tmp_path: Path) -> None:
    message = r"^there is no checkpoint to continue from — .*/checkpoints — run without --resume must$"
    with pytest.raises(ArtifactError, match=message):
        train(prepare(tmp_path / "run"), resume="must", threads=1)
