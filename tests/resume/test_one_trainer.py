"""A run has one trainer at a time; who only reads does not care."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Prepare, Trainer, assert_same, attempts, finish, held, importing
from stage_calls import train

from mimicrl import machine
from mimicrl.errors import RunLocked
from mimicrl.runs import Run

# A command line that fails as soon as something slow is imported.
LIGHT = """
import sys
sys.modules |= dict.fromkeys(["torch", "mujoco", "pandas", "stable_baselines3"])
from mimicrl.cli import main
main()
"""
LOCKED = 6


@pytest.fixture
def run(prepare: Prepare, tmp_path: Path) -> Run:
    return prepare(tmp_path / "run")


@pytest.fixture
def first(run: Run) -> Trainer:
    """A trainer that is in the middle of its work until it is released."""
    return held(run, "train.rollout:stall:2")


def second(run: Run) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LIGHT, "train", str(run.path)], capture_output=True, text=True)


@pytest.mark.fault(31)
def test_a_second_one_is_refused_before_anything_slow_is_imported(
    run: Run, first: Trainer, prepare: Prepare, tmp_path: Path
) -> None:
    refused = second(run)
    assert refused.returncode == LOCKED, refused.stderr
    owner = rf"mimicrl train on host {re.escape(machine.host())}, process {first.process.pid}"
    told = rf"{owner}, since \d{{4}}-\d\d-\d\dT\S+ — wait for it or stop it\n"
    told = rf"mimicrl train: another process works in this run — {run.path} — got {told}"
    assert re.fullmatch(told, refused.stderr)
    first.release()
    code, output = first.end()
    assert code == 0, output
    assert len(attempts(run)) == 1
    whole = prepare(tmp_path / "whole")
    train(whole, cores=1)
    assert_same(run, whole)


@pytest.mark.fault(31)
def test_a_trainer_that_imports_pytorch_is_one_already(run: Run, prepare: Prepare, tmp_path: Path) -> None:
    before = run.run_file.read_bytes()
    with importing(run, tmp_path) as process:
        refused = second(run)
        assert refused.returncode == LOCKED
        assert f"process {process.pid}, since " in refused.stderr
        with pytest.raises(RunLocked, match=rf"^another process works in this run — .*process {process.pid}, since "):
            prepare(run.path, training={"gamma": 0.9})
    assert run.run_file.read_bytes() == before, "what the first trainer reads now is what it was started for"
    prepare(run.path, training={"gamma": 0.9})
    assert run.run_file.read_bytes() != before, "which does not hold it up when it is gone"


@pytest.mark.fault(31)
def test_evaluation_and_video_do_not_wait_for_the_trainer(run: Run, first: Trainer, mimicrl: Any) -> None:
    for verb in ("evaluate", "replay"):
        done = mimicrl(verb, run.path, "--checkpoint", "init")
        assert done.code == 0, done.err
    assert second(run).returncode == LOCKED, "nor is its lock gone"


@pytest.mark.fault(32)
def test_a_killed_one_leaves_no_lock(run: Run, first: Trainer) -> None:
    first.signal(signal.SIGKILL)
    first.end()
    assert f"process {first.process.pid}," in run.lock_file.read_text(), "its name stands there still"
    finish(run)


@pytest.mark.fault(32)
def test_the_number_of_a_process_that_is_gone_keeps_no_one_out(run: Run) -> None:
    run.lock_file.write_text(f"host elsewhere, process {os.getpid()}, since 1999-12-31T23:59:59+00:00\n")
    assert train(run, cores=1).status == "completed"
