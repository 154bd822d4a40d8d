"""A killed worker, a killed trainer: what becomes of the others, and of the run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from process_groups import group, wait_for
from resume.trainers import Prepare, attempts, weights
from stage_calls import train

from mimicrl import faultpoints
from mimicrl.training.checkpoints import store

Start = Callable[..., subprocess.Popen[str]]


def workers_of(trainer: int) -> list[int]:
    """The processes that a trainer's server has forked."""
    processes = group(trainer)
    servers = [pid for pid, parent in processes.items() if parent == trainer]
    return sorted(pid for pid, parent in processes.items() if parent in servers)


@pytest.mark.fault(41)
def test_a_killed_worker_costs_a_run_one_interval_at_most(prepare: Prepare, tmp_path: Path, start: Start) -> None:
    training = {"n_envs": 2, "n_steps": 64, "total_timesteps": 640}
    run = prepare(tmp_path / "run", training=training | {"vec_env": "subproc"})
    go = tmp_path / "go"
    stall = {faultpoints.VARIABLE: "checkpoint.pruned:stall:2", faultpoints.GO: str(go)}
    trainer = start("-m", "mimicrl", "train", run.path, "--cores", "1", env=os.environ | stall)
    wait_for(lambda: store.samples_saved(run.training.checkpoints_directory)[:1] == [256])
    victim = workers_of(trainer.pid)[1]
    os.kill(victim, signal.SIGKILL)
    go.touch()
    _, told = trainer.communicate()
    assert trainer.returncode == 75, told
    assert re.fullmatch(
        rf"mimicrl train: a worker process died — environment \d, process {victim} — got killed by SIGKILL — "
        r"run the same command again to continue",
        told.splitlines()[-1],
    )
    assert "Traceback" not in told
    wait_for(lambda: not group(trainer.pid))
    assert train(run, resume="must", cores=1).samples == 640
    assert attempts(run) == [(0, 256, "a worker process died"), (256, 640, "completed")]
    whole = prepare(tmp_path / "whole", training=training)
    train(whole, cores=1)
    assert weights(run) == weights(whole)


@pytest.mark.fault(42)
def test_workers_end_with_a_trainer_that_is_killed(prepare: Prepare, tmp_path: Path, start: Start) -> None:
    run = prepare(tmp_path / "run", training={"n_envs": 2, "n_steps": 64, "vec_env": "subproc"})
    stall = {faultpoints.VARIABLE: "checkpoint.pruned:stall", faultpoints.GO: str(tmp_path / "go")}
    trainer = start("-m", "mimicrl", "train", run.path, "--cores", "1", env=os.environ | stall)
    wait_for(lambda: store.samples_saved(run.training.checkpoints_directory))
    assert len(workers_of(trainer.pid)) >= 2
    trainer.kill()
    wait_for(lambda: not group(trainer.pid))
