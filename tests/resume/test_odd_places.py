"""Folders with odd names, clocks that lie: nothing of a training depends on them."""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from resume.trainers import assert_same, checkpoints, start
from stage_calls import train

from mimicrl import machine
from mimicrl.runs import Run
from mimicrl.training.logs import read_json_lines


def interrupt(run: Run) -> None:
    """Kill a trainer of the tiny run, of whose checkpoints those of 128 and 256 samples are there then."""
    assert start(run, fault="train.rollout:kill:4").end()[0] == -signal.SIGKILL
    assert [int(path.name[5:]) for path in checkpoints(run)] == [128, 256]


NAMES = {
    "spaces": "with two  spaces",
    "letters": "Läufe/日本語",
    "signs": "it's $HOME; #1 [x]*",
    "long": "/".join(["deep" * 20] * 30),
}


@pytest.mark.fault(33)
@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(prepare, trained_run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / NAMES[name]
    folder.mkdir(parents=True)
    run = prepare(folder / "run")
    interrupt(run)
    code, output = start(run, "--resume", "must").end()
    assert code == 0, output
    assert_same(run, trained_run)


@pytest.mark.fault(33)
def test_a_name_that_no_disk_takes_is_code_5(mimicrl: Any, study: Any, tmp_path: Path) -> None:
    out = tmp_path / ("x" * 300)
    done = mimicrl("init", study(), "--experiment", "walk", "--seed", 1, "--out", out)
    assert done.code == 5 and str(out) in done.last and "File name too long" in done.last


DAY = 86_400
TIMES = {
    "all the same": lambda _: 0,
    "newest is oldest": lambda index: -index * DAY,
    "in the future": lambda index: time.time() + (10 - index) * 365 * DAY,
}


@pytest.mark.fault(35)
@pytest.mark.parametrize("times", TIMES)
def test_times_of_files_say_nothing(prepare, trained_run: Run, tmp_path: Path, times: str) -> None:
    run = prepare(tmp_path / "run")
    interrupt(run)
    for index, folder in enumerate(checkpoints(run)):
        for path in (folder, *folder.iterdir()):
            os.utime(path, (TIMES[times](index),) * 2)
    train(run, cores=1)
    assert read_json_lines(run.training.attempts_file)[-1]["from"] == 256
    assert_same(run, trained_run)


@pytest.mark.fault(35)
def test_a_clock_that_runs_backwards_changes_nothing(
    prepare, trained_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = itertools.count(2**31, -3600)
    monkeypatch.setattr(time, "time", lambda: float(next(back)))
    monkeypatch.setattr(time, "time_ns", lambda: next(back) * 10**9)
    monkeypatch.setattr(machine, "now", lambda: time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(next(back))))
    run = prepare(tmp_path / "run", logging={"tensorboard": True})
    outcome = train(run, cores=1)
    (attempt,) = read_json_lines(run.training.attempts_file)
    assert attempt["ended"] < attempt["started"], "the clock does run backwards"
    assert 0 < outcome.train_seconds < 3600 and 0 < attempt["seconds"] < 3600
    monkeypatch.undo()
    assert_same(run, trained_run)
