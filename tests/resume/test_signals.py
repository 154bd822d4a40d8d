"""Signals at every phase of a training: it stops at the next boundary, and goes on to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import (
    FOR_EVER_S,
    Prepare,
    assert_same,
    attempts,
    finish,
    held,
    importing,
    saved,
    wait_for,
)
from stage_calls import train

from mimicrl import artifacts
from mimicrl.runs import Run

CHANGES: dict[str, Any] = {
    "training": {"n_envs": 2, "total_timesteps": 512, "save_freq": 128},  # a rollout is of 64 samples
    "evaluation": {"eval_freq": 128},
}
CODES = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGINT: 130}
# Where a trainer is held while the signal comes, the boundary it stops at and its checkpoints by then.
PHASES: dict[str, tuple[str, int, list[int]]] = {
    "before the first save": ("train.rollout:stall:1", 0, []),
    "rollout": ("train.step:stall:80", 192, [128]),
    "update": ("train.collected:stall:3", 192, [128]),
    "evaluation": ("train.evaluated:stall:2", 256, [128]),
    "save": ("checkpoint.tensors:stall:2", 256, [128]),
}
SET_UP = {"set-up": ("file.made:stall:1", 0, [])}


@pytest.fixture(scope="module")
def whole(prepare: Prepare, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nothing happened to."""
    run = prepare(tmp_path_factory.mktemp("whole") / "run", **CHANGES)
    train(run, cores=1)
    return run


@pytest.fixture
def run(prepare: Prepare, tmp_path: Path) -> Run:
    return prepare(tmp_path / "run", **CHANGES)


def stopped(number: signal.Signals, samples: int | None) -> str:
    """The last thing a trainer says."""
    return f"mimicrl train: stopped by {number.name} — after {samples} samples — run the same command again to continue"


def signalled(run: Run, fault: str, number: signal.Signals) -> tuple[int, str]:
    """Hold a trainer, send a signal, and let it go on; return exit code and output."""
    trainer = held(run, fault)
    trainer.signal(number)
    trainer.release()
    return trainer.end()


# One handler takes all three, so each phase is tried with one of them.
@pytest.mark.fault(39)
@pytest.mark.parametrize(("phase", "number"), list(zip([*SET_UP, *PHASES], cycle(CODES), strict=False)))
def test_a_signal_saves_at_the_next_boundary(run: Run, whole: Run, phase: str, number: signal.Signals) -> None:
    fault, stops_at, _ = (PHASES | SET_UP)[phase]
    code, output = signalled(run, fault, number)
    assert code == CODES[number], output
    assert output.splitlines()[-1] == stopped(number, stops_at)
    assert "Traceback" not in output
    assert saved(run)[-1] == stops_at
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    finish(run)
    assert_same(run, whole)
    assert attempts(run) == [(0, stops_at, f"stopped by {number.name}"), (stops_at, 512, "completed")]


@pytest.mark.fault(39, 40)
@pytest.mark.parametrize(("phase", "second"), list(zip(PHASES, cycle([signal.SIGKILL, signal.SIGINT]), strict=False)))
def test_a_second_signal_ends_it_at_once_and_costs_what_was_not_saved(
    run: Run, whole: Run, phase: str, second: signal.Signals
) -> None:
    fault, _, before = PHASES[phase]
    trainer = held(run, fault)
    trainer.signal(signal.SIGTERM)
    trainer.signal(second)
    code, output = trainer.end()
    # Of two signals that wait at the same time the one of the smaller number is taken first.
    codes = (-second,) if second == signal.SIGKILL else (128 + second, 128 + signal.SIGTERM)
    assert code in codes, output
    assert saved(run) == before
    finish(run)
    assert_same(run, whole)
    reached = before[-1] if before else 0
    assert attempts(run) == [(0, reached, "killed"), (reached, 512, "completed")]


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("fault", "number"), [("train.finished:stall", signal.SIGTERM), ("train.policy:stall", signal.SIGINT)]
)
def test_a_signal_while_the_results_are_written_changes_nothing(
    run: Run, whole: Run, fault: str, number: signal.Signals
) -> None:
    code, output = signalled(run, fault, number)
    assert code == 0, output
    assert_same(run, whole)
    assert attempts(run) == [(0, 512, "completed")]
    assert artifacts.read_json(run.progress_file)["state"] == "completed"


@pytest.mark.fault(39)
@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_pytorch_is_imported_ends_it_at_once(run: Run, tmp_path: Path, number: signal.Signals) -> None:
    with importing(run, tmp_path) as process:
        process.send_signal(number)
        _, output = process.communicate(timeout=FOR_EVER_S)
    assert process.returncode == CODES[number], output
    assert output == (
        f"mimicrl train: stopped by {number.name} — outside of the training — run the same command again to continue\n"
    )
    assert not (run.path / "training").exists()


def group_is_empty(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_signal_to_the_whole_group_of_a_command_is_the_trainers_alone_and_the_command_continues(
    prepare: Prepare, tmp_path: Path
) -> None:
    training = {"vec_env": "subproc", "n_envs": 2, "total_timesteps": 2048, "save_freq": 2048}
    whole, run = (
        prepare(tmp_path / name, training=training, evaluation={"eval_freq": 2048}) for name in ("whole", "run")
    )
    train(whole, cores=1)
    command = [sys.executable, "-m", "mimicrl", "train", str(run.path), "--cores", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        metrics = run.training.metrics_file
        wait_for(lambda: process.poll() is not None or (metrics.exists() and metrics.read_bytes().count(b"\n") > 1))
        os.killpg(process.pid, signal.SIGINT)
        _, output = process.communicate(timeout=FOR_EVER_S)
    assert process.returncode == CODES[signal.SIGINT], output
    samples = saved(run)[-1]
    assert 0 < samples < 2048, "the signal came in the middle"
    assert output.splitlines()[-1] == stopped(signal.SIGINT, samples)
    assert "Traceback" not in output
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"
    wait_for(lambda: group_is_empty(process.pid))  # who was orphaned ends a moment later
    assert subprocess.run([*command, "--resume", "must"], capture_output=True).returncode == 0
    assert_same(run, whole)
