"""What state a run is in follows from what happened to it, whatever its files hold."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resume.trainers import Prepare, start
from run_folders import FINGERPRINT, NOW, TOTAL, begin, end, finish, make_run, make_study, report

from mimicrl.runs import Run, state
from mimicrl.runs.records import Outcome, RunRecord
from mimicrl.runs.state import Missing


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "seed_1")


LONG_AGO_S = 1500.0
AGAIN: dict[str, Any] = {"attempt": 2, "token": "b"}
Happen = Callable[[Run], object]


def completed(run: Run) -> None:
    end(run, "completed", end=1024)
    finish(run)


def diverged(run: Run) -> None:
    end(run, "diverged", end=1024)
    finish(run, "diverged", problem="a reward is not finite")


def began_again(run: Run) -> None:
    end(run, "killed", end=200)
    report(run)
    begin(run, **AGAIN, started=NOW.isoformat())


def waits_for_more(run: Run) -> None:
    end(run, "completed", end=500)
    finish(run, total_timesteps=500)


def trained_otherwise(run: Run) -> None:
    finish(run, fingerprint="another")


def under_way(**report_: Any) -> Happen:
    return lambda run: (begin(run), report(run, **report_))


# What happened, the state in a word, the note and the number of attempts.
HAPPENED: dict[str, tuple[Happen, str, str, int]] = {
    "nothing": (lambda _: None, "waiting", "", 0),
    "reports": (under_way(age_s=29.0), "running", "", 1),
    "reports no more": (under_way(age_s=LONG_AGO_S), "silent", "no report for 25 min", 1),
    "reports seldom": (under_way(age_s=LONG_AGO_S, interval_s=501.0), "running", "", 1),
    "just began": (lambda run: begin(run, started=(NOW - timedelta(seconds=100)).isoformat()), "running", "", 1),
    "began long ago": (begin, "silent", "no report for 60 min", 1),
    "began again": (began_again, "running", "", 2),
    "stopped": (lambda run: end(run, "stopped by SIGTERM", end=250), "stopped", "", 1),
    "failed": (lambda run: end(run, "the disk is full", end=250), "failed", "the disk is full", 1),
    "completed": (completed, "completed", "", 1),
    "killed after its outcome": (lambda run: (begin(run), finish(run)), "completed", "", 1),
    "killed after its line": (lambda run: (completed(run), begin(run)), "completed", "", 1),
    "diverged": (diverged, "diverged", "a reward is not finite", 1),
    "waits for more": (waits_for_more, "waiting", "", 1),
    "goes on to more": (
        lambda run: (waits_for_more(run), begin(run, **AGAIN), report(run, token="b")),
        "running",
        "",
        2,
    ),
    "trained otherwise": (trained_otherwise, "waiting", "", 0),
}


@pytest.mark.parametrize(("happened", "word", "note", "attempts"), HAPPENED.values(), ids=HAPPENED)
def test_a_state_follows_from_what_happened(run: Run, happened: Happen, word: str, note: str, attempts: int) -> None:
    happened(run)
    found = state.read(run, now=NOW)
    assert (found.word, found.note) == (word, note)
    assert found.attempts == attempts
    assert found.total_timesteps == TOTAL


def test_a_study_may_ask_for_more_than_the_run_did(run: Run) -> None:
    completed(run)
    assert state.read(run, TOTAL + 1, NOW).word == "waiting"


def test_reports_of_another_attempt_do_not_count(run: Run) -> None:
    began_again(run)
    assert state.read(run, now=NOW).progress is None


def test_a_run_of_an_older_version_is_named(run: Run) -> None:
    content = json.loads(run.run_file.read_text())
    del content["format"]
    run.run_file.write_text(json.dumps(content))
    found = state.read(run)
    assert (found.word, found.note) == ("older", "made by an older version of mimicrl")


@pytest.mark.parametrize(
    ("happened", "missing"),
    [
        (lambda run: run.run_file.unlink(), Missing.NO_DIRECTORY),
        (lambda _: None, Missing.NOT_TRAINED),
        (trained_otherwise, Missing.CHANGED),
        (waits_for_more, Missing.NOT_TRAINED),
        (completed, None),
        (diverged, None),
    ],
)
def test_what_is_missing_is_named(run: Run, happened: Happen, missing: Missing | None) -> None:
    happened(run)
    assert state.missing(RunRecord.find(run.run_file), Outcome.find(run.outcome_file), TOTAL) == missing


def test_a_study_has_the_runs_it_expects_in_its_order_and_no_others(tmp_path: Path) -> None:
    study = make_study(tmp_path / "demo", [("walk", 10), ("walk", 9), ("run", 1)], total=7)
    make_run(study.run("walk", 11).path)
    alone = make_run(tmp_path / "alone")
    expected = [study.run("walk", 10), study.run("walk", 9), study.run("run", 1)]
    assert [row.run for row in state.read_all(study.path)] == expected
    rows = state.read_all(tmp_path)
    assert [row.run for row in rows] == [*expected, alone]
    assert [row.total_timesteps for row in rows] == [7, 7, 7, TOTAL]


@pytest.mark.parametrize("content", ["{", "format: 1", "study: old\nexpected_runs: []", "[1]", "format: 1\nstudy: {}"])
def test_a_damaged_or_older_study_has_the_runs_that_are_there(tmp_path: Path, content: str) -> None:
    study = make_study(tmp_path / "demo", [("walk", 1), ("walk", 2)])
    run = make_run(study.run("walk", 2).path)
    study.study_file.write_text(content)
    assert [row.run for row in state.read_all(tmp_path)] == [run]


def test_reading_takes_no_lock_and_leaves_no_trace(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a lock was asked for")

    def traces() -> dict[Path, tuple[int, int]]:
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in run.path.rglob("*")}

    begin(run)
    run.lock_file.touch()
    run.lock_file.chmod(0)
    monkeypatch.setattr(fcntl, "flock", refuse)
    before = traces()
    state.read_all(run.path)
    assert traces() == before


def test_a_real_trainer_is_seen_to_run_stop_and_finish(prepare: Prepare, tmp_path: Path) -> None:
    real = prepare(tmp_path / "run", training={"save_freq": 128})
    assert state.read(real).word == "waiting"
    trainer = start(real, fault="train.rollout:stall:3")
    trainer.await_stall()
    assert state.read(real).word == "running"
    trainer.signal(signal.SIGTERM)
    trainer.release()
    trainer.end()
    assert state.read(real).word == "stopped"
    assert start(real).end()[0] == 0
    row = state.read(real)
    assert row.word == "completed"
    assert row.attempts == 2
    assert row.evaluation is not None


ODD = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"{", b"[]", b"7", b"null", b'{"samples": "many"}', b'{"samples": NaN}', b"[" * 100_000]),
    st.dictionaries(
        st.sampled_from(["format", "fingerprint", "state", "status", "samples", "host", "token", "updated", "why"])
        | st.sampled_from(["attempt", "last_evaluation", "total_timesteps", "eta_s", "train_seconds", "to"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers())),
    ).map(lambda content: json.dumps(content).encode() + b"\n"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["run.json", "progress.json", "outcome.json"])
        | st.sampled_from([f"training/{FINGERPRINT}/{name}" for name in ("attempt.json", "attempts.jsonl")])
        | st.just("training"),
        ODD,
    )
)
def test_whatever_files_hold_there_is_a_state(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    run = make_run(tmp_path_factory.mktemp("study") / "seed_1")
    completed(run)
    for name, data in content.items():
        target = run.path / name
        if not target.is_dir() and not target.parent.is_file():
            target.write_bytes(data)
    assert state.read(run, now=NOW).word in get_args(state.Word)
