"""Evaluations of a training: the same wherever they are computed, and a process that is gone is told."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mimicrl.errors import MachineError, WorkerDied
from mimicrl.evaluation import evaluator
from mimicrl.evaluation.evaluator import EvaluatorBeside, EvaluatorHere
from mimicrl.mimic.task import Task
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training.train import train

CLOCKS = ["seconds", "training_seconds", "cpu_seconds"]


@pytest.fixture
def policies(trained_run: RunDirectory) -> list[Policy]:
    return [Policy.load(trained_run.policy_directory(name)) for name in ("init", "final")]


@pytest.fixture
def beside(trained_run: RunDirectory) -> Iterator[EvaluatorBeside]:
    started = EvaluatorBeside(trained_run)
    yield started
    started.close()
    assert started._process.returncode is not None


def test_a_process_beside_comes_to_the_same(
    trained_run: RunDirectory, policies: list[Policy], beside: EvaluatorBeside
) -> None:
    here = EvaluatorHere(Task.of_run(trained_run), trained_run.config.evaluation, threads=2)
    seen = []
    for shifted in (False, True):
        for policy in policies:
            here.submit(policy, shifted=shifted)
            beside.submit(policy, shifted=shifted)
            expected, found = here.result(wait=False), beside.result(wait=True)
            assert expected and found and expected.summary == found.summary
            assert found.seconds > 0 and expected.seconds > 0
            assert found.cpu_seconds > 0 == expected.cpu_seconds
            seen.append(found.summary)
    assert len({str(summary) for summary in seen}) == 4


def test_nobody_waits_who_does_not_want_to(policies: list[Policy], beside: EvaluatorBeside) -> None:
    beside.submit(policies[0], shifted=False)
    assert beside.result(wait=True) is not None
    beside._process.send_signal(signal.SIGSTOP)
    beside.submit(policies[1], shifted=False)
    assert beside.result(wait=False) is None
    beside._process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 60
    while (result := beside.result(wait=False)) is None:
        assert time.monotonic() < deadline
    assert result.summary.episodes == 4


def test_one_that_is_killed_is_told(policies: list[Policy], beside: EvaluatorBeside) -> None:
    beside._process.send_signal(signal.SIGSTOP)
    beside.submit(policies[0], shifted=False)
    beside._process.kill()
    words = (
        f"the process that evaluates died — process {beside._process.pid} — got killed by SIGKILL — "
        "run the same command again to continue"
    )
    for ask in (lambda: beside.result(wait=True), lambda: beside.submit(policies[0], shifted=False)):
        with pytest.raises(WorkerDied) as caught:
            ask()
        assert str(caught.value) == words and caught.value.exit_code == 75


def test_one_that_fails_is_told(
    trained_run: RunDirectory, policies: list[Policy], capfd: pytest.CaptureFixture[str]
) -> None:
    mean = policies[0].tensors["observation.mean"]
    other = Policy(policies[0].tensors | {"observation.mean": mean[1:]}, "tanh", 10)
    with contextlib.closing(EvaluatorBeside(trained_run)) as beside:
        beside.submit(other, shifted=False)
        with pytest.raises(WorkerDied, match="got exit code 1 "):
            beside.result(wait=True)
    assert "the policy was trained on other observations" in capfd.readouterr().err


def test_one_that_does_not_answer_is_told(
    trained_run: RunDirectory, policies: list[Policy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "_PATIENCE_S", 1.0)
    wide = Policy(
        policies[0].tensors | {"actor.more": np.zeros(10**6)}, "tanh", 10.0
    )  # more than a socket takes at once
    for policy, asks in ((policies[0], "result"), (wide, "submit")):
        with contextlib.closing(EvaluatorBeside(trained_run)) as beside:
            beside._process.send_signal(signal.SIGSTOP)
            with pytest.raises(WorkerDied) as caught:
                beside.submit(policy, shifted=False)
                assert asks == "result"
                beside.result(wait=True)
            assert str(caught.value) == (
                f"the process that evaluates does not answer — process {beside._process.pid} — got nothing for "
                f"{beside._patience_s} s — run the same command again to continue"
            )
            assert beside._process.poll() is None


def test_nothing_in_the_current_folder_is_imported(
    trained_run: RunDirectory, policies: list[Policy], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random", "numpy", "mimicrl"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUJOCO_GL", "no such")  # nor is anything bound to draw with
    with contextlib.closing(EvaluatorBeside(trained_run)) as beside:
        beside.submit(policies[0], shifted=False)
        assert beside.result(wait=True) is not None


def test_no_process_to_be_had_is_told(trained_run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(MachineError, match=r"^cannot start a process that evaluates — /nowhere/python — got No such"):
        EvaluatorBeside(trained_run)


def test_closing_ends_it_however_busy_it_is(trained_run: RunDirectory) -> None:
    started = EvaluatorBeside(trained_run)
    started._process.send_signal(signal.SIGSTOP)
    started.close()
    with pytest.raises(ProcessLookupError):
        os.kill(started._process.pid, 0)


def test_beside_only_with_a_core_to_spare_and_enough_to_do(
    prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EvaluatorBeside, "__init__", lambda self, run: None)
    long = {"episodes": 20, "seconds": 20.0}
    cases = [
        ({}, long, 2, EvaluatorBeside),
        ({}, long, 1, EvaluatorHere),
        ({"torch_threads": 2}, long, 2, EvaluatorHere),
        ({"torch_threads": 2}, long, 3, EvaluatorBeside),
        ({}, {"episodes": 2, "seconds": 0.5}, 2, EvaluatorHere),
    ]
    for number, (training, evaluation, threads, expected) in enumerate(cases):
        run = prepare(tmp_path / str(number), training=training, evaluation=evaluation)
        assert type(evaluator.make(run, Task.of_run(run), threads)) is expected


def test_a_training_comes_to_the_same_with_evaluations_beside(
    prepare, tmp_path: Path, trained_run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "_WORTH_A_PROCESS", 0)
    started: list[EvaluatorBeside] = []
    start = EvaluatorBeside.__init__
    monkeypatch.setattr(EvaluatorBeside, "__init__", lambda self, run: (started.append(self), start(self, run))[1])
    beside = prepare(tmp_path / "run", logging={"tensorboard": True})
    assert beside.fingerprint == trained_run.fingerprint
    train(beside, threads=2)
    (process,) = started
    assert process._process.returncode == -signal.SIGKILL
    for name in ("best", "final"):
        weights = [(run.policy_directory(name) / "policy.safetensors").read_bytes() for run in (beside, trained_run)]
        assert weights[0] == weights[1]
    for name in ("evaluations_file", "metrics_file"):
        tables = [pd.read_parquet(getattr(run, name)) for run in (beside, trained_run)]
        same = [table.drop(columns=[*CLOCKS, "time/fps", "time/time_elapsed"], errors="ignore") for table in tables]
        pd.testing.assert_frame_equal(*same)
    histories = [
        (run.training_directory / "metrics.jsonl").read_bytes().count(b"eval/") for run in (beside, trained_run)
    ]
    assert histories[0] == histories[1] > 0
