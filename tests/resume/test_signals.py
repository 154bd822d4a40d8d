"""Signals at every phase of a training: it stops at the next boundary, and goes on to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import FOR_EVER_S, assert_same, checkpoints, importing, start, wait_for
from stage_calls import train

from mimicrl import artifacts
from mimicrl.runs import Run
from mimicrl.training.logs import read_json_lines

Prepare = Callable[..., Run]
CHANGES: dict[str, Any] = {
    "training": {"n_envs": 2, "total_timesteps": 512, "save_freq": 128},  # a rollout is of 64 samples
    "evaluation": {"eval_freq": 128},
}
CODES = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGINT: 130}
# Where a trainer is held while the signal comes, the boundary it stops at and its last checkpoint by then.
PHASES = {
    "before the first save": ("train.rollout:stall:1", 0, None),
    "rollout": ("train.step:stall:80", 192, 128),
    "update": ("train.collected:stall:3", 192, 128),
    "evaluation": ("train.evaluated:stall:2", 256, 128),
    "save": ("checkpoint.tensors:stall:2", 256, 128),
}


@pytest.fixture(scope="module")
def whole(prepare: Prepare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nothing happened to."""
    run = prepare(tmp_path_factory.mktemp("whole") / "run", **CHANGES)
    train(run, cores=1)
    return run


def newest(run: Run) -> int | None:
    return max((int(path.name[5:]) for path in checkpoints(run)), default=None)


def stopped(number: signal.Signals, samples: int | None) -> str:
    """The last thing a trainer says."""
    return f"mimicrl train: stopped by {number.name} — after {samples} samples — run the same command again to continue"


def check_it_continues(run: Run, whole: Run) -> None:
    code, output = start(run).end()
    assert code == 0, output
    assert_same(run, whole)


@pytest.mark.fault(39)
@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_saves_at_the_next_boundary(
    prepare: Prepare, whole: Run, tmp_path: Path, phase: str, number: signal.Signals
) -> None:
    run, (fault, stops_at, _) = prepare(tmp_path / "run", **CHANGES), PHASES[phase]
    trainer = start(run, fault=fault)
    trainer.await_stall()
    trainer.signal(number)
    trainer.release()
    code, output = trainer.end()
    assert code == CODES[number], output
    assert output.splitlines()[-1] == stopped(number, stops_at) and "Traceback" not in output
    assert newest(run) == stops_at
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    check_it_continues(run, whole)
    attempts = read_json_lines(run.training.attempts_file)
    assert [(row["from"], row["to"]) for row in attempts] == [(0, stops_at), (stops_at, 512)]
    assert [row["why"] for row in attempts] == [f"stopped by {number.name}", "completed"]


@pytest.mark.fault(39, 40)
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("phase", PHASES)
def test_a_second_signal_ends_it_at_once_and_costs_what_was_not_saved(
    prepare: Prepare, whole: Run, tmp_path: Path, phase: str, second: signal.Signals
) -> None:
    run, (fault, _, saved) = prepare(tmp_path / "run", **CHANGES), PHASES[phase]
    trainer = start(run, fault=fault)
    trainer.await_stall()
    trainer.signal(signal.SIGTERM)
    trainer.signal(second)
    code, output = trainer.end()
    # Of two signals that wait at the same time the one of the smaller number is taken first.
    killed = second == signal.SIGKILL
    assert code == -second if killed else code in (128 + second, 128 + signal.SIGTERM), output
    assert newest(run) == saved
    check_it_continues(run, whole)
    attempts = read_json_lines(run.training.attempts_file)
    assert [row["why"] for row in attempts] == ["killed", "completed"]
    assert attempts[0]["to"] == attempts[1]["from"] == (saved or 0)


@pytest.mark.fault(39)
@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_the_training_is_set_up_stops_it_at_its_first_boundary(
    prepare: Prepare, whole: Run, tmp_path: Path, number: signal.Signals
) -> None:
    run = prepare(tmp_path / "run", **CHANGES)
    trainer = start(run, fault="file.made:stall:1")
    trainer.await_stall()
    trainer.signal(number)
    trainer.release()
    code, output = trainer.end()
    assert code == CODES[number], output
    assert output.splitlines()[-1] == stopped(number, 0) and newest(run) == 0
    check_it_continues(run, whole)


@pytest.mark.fault(39)
@pytest.mark.parametrize("fault", ["train.finished:stall", "train.policy:stall"])
@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_the_results_are_written_changes_nothing(
    prepare: Prepare, whole: Run, tmp_path: Path, fault: str, number: signal.Signals
) -> None:
    run = prepare(tmp_path / "run", **CHANGES)
    trainer = start(run, fault=fault)
    trainer.await_stall()
    trainer.signal(number)
    trainer.release()
    code, output = trainer.end()
    assert code == 0, output
    assert_same(run, whole)
    (attempt,) = read_json_lines(run.training.attempts_file)
    assert attempt["why"] == artifacts.read_json(run.progress_file)["state"] == "completed"


@pytest.mark.fault(39)
@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_pytorch_is_imported_ends_it_at_once(
    prepare: Prepare, tmp_path: Path, number: signal.Signals
) -> None:
    run = prepare(tmp_path / "run", **CHANGES)
    with importing(run, tmp_path) as process:
        process.send_signal(number)
        _, output = process.communicate(timeout=FOR_EVER_S)
    assert process.returncode == CODES[number], output
    assert output == (
        f"mimicrl train: stopped by {number.name} — outside of the training — run the same command again to continue\n"
    )
    assert not (run.path / "training").exists()


def test_the_command_stops_and_continues(prepare: Prepare, tmp_path: Path) -> None:
    changes = {"training": {"total_timesteps": 4096}, "evaluation": {"eval_freq": 2048}}
    whole, run = (prepare(tmp_path / name, **changes) for name in ("whole", "run"))
    train(whole, cores=1)
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--cores", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        wait_for(lambda: process.poll() is not None or checkpoints(run))
        process.terminate()
        output, _ = process.communicate(timeout=FOR_EVER_S)
    assert process.returncode == CODES[signal.SIGTERM], output
    assert 0 < (newest(run) or 0) < 4096, "the signal came in the middle"
    assert output.splitlines()[-1] == stopped(signal.SIGTERM, newest(run))
    assert subprocess.run([*command, "--resume", "must"], capture_output=True).returncode == 0
    assert_same(run, whole)


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("number", CODES)
def test_a_signal_to_the_group_reaches_the_environments_too_and_the_trainer_alone_decides(
    prepare: Prepare, tmp_path: Path, number: signal.Signals
) -> None:
    changes = {"training": {"vec_env": "subproc", "n_envs": 2, "total_timesteps": 20_000, "save_freq": 10**6}}
    run = prepare(tmp_path / "run", **changes, evaluation={"eval_freq": 10**6})
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--cores", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        metrics = run.training.metrics_file
        wait_for(lambda: process.poll() is not None or (metrics.exists() and metrics.read_bytes().count(b"\n") > 1))
        os.killpg(process.pid, number)
        _, output = process.communicate(timeout=FOR_EVER_S)
    assert process.returncode == CODES[number], output
    samples = newest(run)
    assert output.splitlines()[-1] == stopped(number, samples)
    assert "Traceback" not in output and samples and samples < 20_000
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    wait_for(lambda: group_is_empty(process.pid))  # who was orphaned ends a moment later
