"""Folders with odd names, clocks that lie: nothing of a training depends on them."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import Prepare, assert_same, attempts, checkpoints, finish, kill, saved
from stage_calls import train

from mimicrl import machine
from mimicrl.runs import Run
from mimicrl.training.reporting.json_lines import read_json_lines


def interrupt(run: Run) -> None:
    """Kill a trainer of the tiny run in the middle."""
    kill(run, "train.rollout:kill:4")
    assert saved(run) == [128, 256]


NAMES = {"signs": "two  spaces, it's $HOME; #1 [x]*/Läufe/日本語", "long": "/".join(["deep" * 20] * 30)}


@pytest.mark.fault(33)
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(prepare: Prepare, trained_run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / NAMES[name]
    folder.mkdir(parents=True)
    run = prepare(folder / "run")
    interrupt(run)
    finish(run, "--resume", "must")
    assert_same(run, trained_run)


@pytest.mark.fault(33)
def test_a_name_that_no_disk_takes_is_code_5(mimicrl: Any, study: Any, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 300)
    done = mimicrl("init", study(), "--experiment", "walk", "--seed", 1, "--out", out)
    assert done.code == 5
    assert str(out) in done.last
    assert "File name too long" in done.last


YEAR = 365 * 86_400
TIMES = {
    "all the same": lambda _: 0,
    "in the future, the newest is the oldest": lambda index: time.time() + (10 - index) * YEAR,
}


@pytest.mark.fault(35)
@pytest.mark.parametrize("times", TIMES)
def test_times_of_files_say_nothing(prepare: Prepare, trained_run: Run, tmp_path: Path, times: str) -> None:
    run = prepare(tmp_path / "run")
    interrupt(run)
    for index, folder in enumerate(checkpoints(run)):
        for path in (folder, *folder.iterdir()):
            os.utime(path, (TIMES[times](index),) * 2)
    train(run, cores=1)
    assert attempts(run)[-1][0] == 256
    assert_same(run, trained_run)


@pytest.mark.fault(35)
def test_a_clock_that_runs_backwards_changes_nothing(
    prepare: Prepare, trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = itertools.count(2**31, -3600)
    monkeypatch.setattr(time, "time", lambda: float(next(back)))
    monkeypatch.setattr(time, "time_ns", lambda: next(back) * 10**9)
    monkeypatch.setattr(machine, "now", lambda: time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(next(back))))
    run = prepare(tmp_path / "run", logging={"tensorboard": True})
    outcome = train(run, cores=1)
    (attempt,) = read_json_lines(run.training.attempts_file)
    assert attempt["ended"] < attempt["started"], "the clock does run backwards"
    assert 0 < outcome.train_seconds < 3600
    assert 0 < attempt["seconds"] < 3600
    monkeypatch.undo()
    assert_same(run, trained_run)
