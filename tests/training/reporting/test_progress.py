"""How far a training is, and how long it took."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mimicrl import artifacts
from mimicrl.runs import Run
from mimicrl.training.reporting import progress
from mimicrl.training.reporting.progress import Reporter


@pytest.fixture
def run(prepare, tmp_path: Path) -> Run:
    return prepare(tmp_path / "run")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that no one can set, in its one entry; the clock on the wall is far off."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(progress.time, "time", lambda: -1e9)
    return now


def test_progress_tells_how_far_it_is(run: Run, clock: list[float]) -> None:
    teller = Reporter(run, 128, "0123")
    clock[0] += 2.0
    teller.tell("running", 328, None, [3, 5])
    told = artifacts.read_json(run.progress_file)
    assert (told["state"], told["samples"], told["total_timesteps"]) == ("running", 328, 512)
    assert (told["steps_per_s"], told["eta_s"]) == (100.0, 1.8), "at the pace of this attempt"
    assert (told["process"], told["token"], told["last_evaluation"]) == (os.getpid(), "0123", None)


def test_while_running_it_tells_every_two_seconds_and_an_end_at_once(run: Run, clock: list[float]) -> None:
    teller, told = Reporter(run, 0, "0123"), []
    for samples in range(10):
        teller.tell("running", samples, None, [])
        told.append(artifacts.read_json(run.progress_file)["samples"])
        clock[0] += 0.5
    assert told == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]
    teller.tell("stopped", 9, None, [])
    assert artifacts.read_json(run.progress_file)["state"] == "stopped"


def test_before_the_first_step_there_is_no_estimate(run: Run) -> None:
    Reporter(run, 0, "0123").tell("running", 0, None, [])
    assert artifacts.read_json(run.progress_file)["eta_s"] is None
