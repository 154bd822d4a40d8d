"""A process that evaluates beside a training: signals to the group, its death, the trainer's death."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from process_groups import group, wait_for
from resume.trainers import assert_same

from mimicrl import faultpoints
from mimicrl.runs import RunDirectory
from mimicrl.training.logs import read_json_lines
from mimicrl.training.train import train

# Enough for a process of its own, over in no time as an untrained walker falls.
LONG = {"evaluation": {"interval": 256, "episodes": 20, "seconds": 5.0}}
Prepare = Callable[..., RunDirectory]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def undisturbed(prepare: Prepare, tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run that evaluated in its own process, to its end."""
    run = prepare(tmp_path_factory.mktemp("undisturbed") / "run", **LONG)
    train(run, threads=1)
    return run


class _Stalled:
    """A trainer that waits after its third rollout, the result of an evaluation under way."""

    def __init__(self, run: RunDirectory, start: Start) -> None:
        self.run, self._go = run, run.path.with_name("go")
        stall = {faultpoints.VARIABLE: "train.collected:stall:3", faultpoints.GO: str(self._go)}
        self.process = start("-m", "mimicrl", "train", run.path, "--threads", "2", env=os.environ | stall)
        assert self.process.stderr
        while "stall at" not in self.process.stderr.readline():
            assert self.process.poll() is None
        children = {pid for pid, parent in group(self.process.pid).items() if parent == self.process.pid}
        (self.evaluator,) = children

    def end(self) -> tuple[int, str]:
        """Let it go on; return its exit code and the last it said."""
        self._go.touch()
        told = self.process.communicate()[1]
        wait_for(lambda: not group(self.process.pid))
        return self.process.returncode, told.strip().splitlines()[-1]


@pytest.fixture
def stalled(prepare: Prepare, tmp_path: Path, start: Start) -> _Stalled:
    return _Stalled(prepare(tmp_path / "run", **LONG), start)


def test_signals_to_the_whole_group_are_the_trainers_alone(stalled: _Stalled, undisturbed: RunDirectory) -> None:
    os.kill(stalled.evaluator, signal.SIGSTOP)
    os.killpg(stalled.process.pid, signal.SIGTERM)
    threading.Timer(1.0, os.kill, (stalled.evaluator, signal.SIGCONT)).start()  # it answers when it is waited for
    code, told = stalled.end()
    assert code == 75 and told.startswith("mimicrl train: stopped by SIGTERM — after 384 samples")
    rows = read_json_lines(stalled.run.training_directory / "evaluations.jsonl")
    assert [row["samples"] for row in rows] == [256], "the checkpoint knows what was under way"
    train(stalled.run, resume="must", threads=1)
    assert_same(stalled.run, undisturbed)


def test_its_death_stops_the_training_which_goes_on_from_the_last_checkpoint(
    stalled: _Stalled, undisturbed: RunDirectory
) -> None:
    os.kill(stalled.evaluator, signal.SIGKILL)
    code, told = stalled.end()
    assert (code, told) == (
        75,
        f"mimicrl train: the process that evaluates died — process {stalled.evaluator} — got killed by SIGKILL — "
        "run the same command again to continue",
    )
    train(stalled.run, threads=1)
    assert_same(stalled.run, undisturbed)


def test_it_dies_with_a_trainer_that_is_killed(stalled: _Stalled, undisturbed: RunDirectory) -> None:
    stalled.process.kill()
    wait_for(lambda: not group(stalled.process.pid))
    train(stalled.run, threads=2)
    assert_same(stalled.run, undisturbed)
