"""Signals to the whole group, a killed worker, a killed trainer: what becomes of the others, and of the run."""

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

TESTS = Path(__file__).parents[1]
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
# Stands for a trainer: says the processes of its workers, steps after a line from us, then keeps them busy.
TRAINER = """
import signal, sys
import numpy as np
from odd_environments import Obedient, deed
from mimicrl.training.workers import WorkerVecEnv

caught = []
for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
    signal.signal(number, lambda number, _: caught.append(number))
environments = WorkerVecEnv(Obedient, 2)
environments.reset()
print(*[process.pid for process in environments.processes], flush=True)
sys.stdin.readline()
print(environments.step(np.zeros((2, 1)))[0].ravel().tolist(), sorted(caught), flush=True)
environments.step_async(np.full((2, 1), deed("work")))
print("busy", flush=True)
sys.stdin.readline()
"""


Start = Callable[..., subprocess.Popen[str]]
Standin = tuple[subprocess.Popen[str], list[int]]


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().rstrip("\n")


def go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.fixture
def trainer(start: Start) -> Standin:
    """A stand-in for a trainer, and its workers."""
    process = start("-c", TRAINER, env=os.environ | {"PYTHONPATH": str(TESTS)})
    return process, [int(pid) for pid in line(process).split()]


def test_signals_to_the_whole_group_are_the_trainers_alone(trainer: Standin) -> None:
    process, workers = trainer
    for number in SIGNALS:
        os.killpg(process.pid, number)
    go_on(process)
    assert line(process) == f"[1.0, 1.0] {sorted(map(int, SIGNALS))}"
    assert set(workers) <= group(process.pid).keys()


@pytest.mark.fault(42)
def test_workers_die_with_a_trainer_that_is_killed_however_busy_they_are(trainer: Standin) -> None:
    process, workers = trainer
    go_on(process)
    assert line(process).startswith("[1.0, 1.0]")
    assert line(process) == "busy"
    assert set(workers) <= group(process.pid).keys()
    process.kill()
    wait_for(lambda: not group(process.pid))


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
