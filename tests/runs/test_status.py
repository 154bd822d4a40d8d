"""`mimicrl status`: one row per run, those that matter first, and no trainer is disturbed by it."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resume.trainers import Trainer, start
from run_folders import begin, end, finish, make_run, make_study, report, training

from mimicrl.errors import ConfigError
from mimicrl.runs import Run, status
from mimicrl.runs.state import RunState, Word
from mimicrl.runs.status import table


def names(rows: list[RunState]) -> list[str]:
    return ["/".join(row.run.path.parts[-3:]) for row in rows]


def test_a_study_has_the_runs_it_expects_in_its_order_and_no_others(tmp_path: Path) -> None:
    make_study(tmp_path / "demo", [("walk", 10), ("walk", 9), ("run", 1)], total=7)
    make_run(tmp_path / "demo" / "walk" / "seed_11")
    make_run(tmp_path / "alone")
    rows = status.read(tmp_path)
    assert names(rows)[:3] == ["demo/walk/seed_10", "demo/walk/seed_9", "demo/run/seed_1"]
    assert [row.run.path.name for row in rows[3:]] == ["alone"]
    assert [row.total_timesteps for row in rows] == [7, 7, 7, 1000]
    assert names(status.read(tmp_path / "demo")) == names(rows)[:3]


def test_one_run_is_a_row(tmp_path: Path) -> None:
    run = make_run(tmp_path / "demo" / "walk" / "seed_1")
    assert [row.run for row in status.read(run.path)] == [run]


@pytest.mark.parametrize("content", ["{", "format: 1", "study: old\nexpected_runs: []", "[1]", "format: 1\nstudy: {}"])
def test_a_damaged_or_older_study_has_the_runs_that_are_there(tmp_path: Path, content: str) -> None:
    study = make_study(tmp_path / "demo", [("walk", 1), ("walk", 2)])
    make_run(study.run("walk", 2).path)
    study.study_file.write_text(content)
    assert names(status.read(tmp_path)) == ["demo/walk/seed_2"]


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such directory — .*nothing — name the folder of results"):
        status.read(tmp_path / "nothing")
    assert status.read(tmp_path) == []


def test_all_that_is_known_has_its_column(tmp_path: Path) -> None:
    study = make_study(tmp_path / "demo", [("walk", seed) for seed in range(1, 5)])
    one, two, three, _ = (study.run("walk", seed) for seed in range(1, 5))
    for run in (one, two, three):
        make_run(run.path)
    begin(one, slurm_job="42", started="2099-01-01T00:00:00+00:00")
    report(one, updated="2099-01-01T00:00:00+00:00", eta_s=211.2)
    rows = [{"samples": 1, "stable_episodes": 4 + k, "episodes": 20, "reward": 0.9341} for k in range(2)]
    training(one).evaluations_file.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"stable": 10, "e')
    end(two, "the disk\nis full", end=5)
    end(three, "completed", end=1024)
    finish(three)
    totals, header, *lines = table(status.read(tmp_path)).splitlines()
    assert totals == "4 runs: 1 completed, 1 failed, 1 running, 1 waiting"
    assert header.split() == (
        ["run", "state", "samples", "of", "%", "steps/s", "ETA", "stable", "reward", "attempts", "where", "note"]
    )
    assert [" ".join(line.split()) for line in lines] == [
        "demo/walk/seed_1 running 250 1,000 25 50 0:03:31 5/20 0.934 1 here, job 42",
        "demo/walk/seed_2 failed 5 1,000 0 - - - - 1 here the disk is full",
        "demo/walk/seed_3 completed 1,024 1,000 100 64 - - - 1 here",
        "demo/walk/seed_4 waiting 0 1,000 0 - - - - 0 -",
    ]


@given(st.lists(st.sampled_from(get_args(Word)), max_size=40))
def test_every_run_has_its_line(words: list[Word]) -> None:
    rows = [RunState(Run(Path(f"run{place}!")), word) for place, word in enumerate(words)]
    lines = table(rows).splitlines()
    assert [line.split("!")[0] for line in lines[2:]] == [f"run{place}" for place in range(len(words))]
    assert [row.run for row in rows if row.is_over] == [
        row.run for row in rows if row.word in ("completed", "diverged")
    ]


def test_reading_takes_no_lock_and_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a lock was asked for")

    run = make_run(tmp_path / "seed_1")
    begin(run)
    run.lock_file.touch()
    run.lock_file.chmod(0)
    monkeypatch.setattr(fcntl, "flock", refuse)
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    status.read(tmp_path)
    assert {path: (found.st_mtime_ns, found.st_ino) for path, found in before.items()} == {
        path: (found.st_mtime_ns, found.st_ino) for path in tmp_path.rglob("*") if (found := path.lstat())
    }


@pytest.fixture
def trainers() -> Iterator[list[Trainer]]:
    """Trainers that must not outlive the test."""
    started: list[Trainer] = []
    yield started
    for trainer in started:
        trainer.process.kill()


def test_asking_all_the_time_disturbs_no_training(prepare: Any, tmp_path: Path, trainers: list[Trainer]) -> None:
    runs = [prepare(tmp_path / "study" / f"seed_{seed}", seed=seed) for seed in (1, 2, 3)]
    trainers += [start(run) for run in runs]
    seen: set[str] = set()
    while any(trainer.process.is_alive() for trainer in trainers):
        seen |= {row.word for row in status.read(tmp_path)}
    assert [trainer.end()[0] for trainer in trainers] == [0, 0, 0]
    assert {row.word for row in status.read(tmp_path)} == {"completed"}
    assert seen <= {"waiting", "running", "completed"}


def test_a_real_trainer_is_seen_to_run_stop_and_finish(prepare: Any, tmp_path: Path, trainers: list[Trainer]) -> None:
    run: Run = prepare(tmp_path / "run", training={"save_freq": 128})
    assert status.read(run.path)[0].word == "waiting"
    trainers.append(start(run, fault="train.rollout:stall:3"))
    trainers[-1].await_stall()
    assert status.read(run.path)[0].word == "running"
    trainers[-1].signal(signal.SIGTERM)
    trainers[-1].release()
    trainers[-1].end()
    assert status.read(run.path)[0].word == "stopped"
    trainers.append(start(run))
    assert trainers[-1].end()[0] == 0
    (row,) = status.read(run.path)
    assert row.word == "completed"
    assert row.attempts == 2
    assert row.evaluation is not None
