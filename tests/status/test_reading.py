"""What a run's files say of it, its state and how far it is; whatever they hold, nothing breaks or changes."""

from __future__ import annotations

import fcntl
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from resume.trainers import Trainer, start
from status.study_folders import FINGERPRINT, HERE, TOTAL, begin, end, finish, make_run, make_study, tell, write

from mimicrl import status
from mimicrl.errors import ConfigError
from mimicrl.runs import RunDirectory
from mimicrl.status import RunStatus, reading


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that was initialised."""
    make_run(tmp_path / "walk" / "seed_1")
    return tmp_path / "walk" / "seed_1"


@pytest.fixture
def training(run: Path) -> Path:
    return run / "training" / FINGERPRINT


def only(path: Path) -> RunStatus:
    (row,) = status.read(path, HERE)
    return row


def test_a_run_that_has_not_begun_waits(tmp_path: Path) -> None:
    make_study(tmp_path, [("walk", 1), ("walk", 2)])
    make_run(tmp_path / "walk" / "seed_2")
    name = f"{tmp_path.name}/walk/seed_"
    assert status.read(tmp_path, HERE) == [RunStatus(f"{name}{seed}", "waiting", total=TOTAL) for seed in (1, 2)]


def test_all_that_is_known_of_a_running_one_is_told(run: Path, training: Path) -> None:
    begin(training, host="node7", slurm_job="42")
    tell(run, host="node7", slurm_job="42")
    assert only(run) == RunStatus(
        name="/".join(run.parts[-3:]),
        state="running",
        samples=250,
        total=TOTAL,
        steps_per_s=50.0,
        eta_s=15.0,
        stable=(3, 20),
        reward=0.5,
        attempts=1,
        where="node7, job 42",
        note="",
    )


def died_here(run: Path, training: Path) -> None:
    begin(training)
    tell(run)


def died_before_it_told(run: Path, training: Path) -> None:
    begin(training)


def died_before_its_results(run: Path, training: Path) -> None:
    end(training, "completed", to=1024)
    tell(run)


def died_and_was_noted_by_the_next(run: Path, training: Path) -> None:
    end(training, "killed", to=128)


def died_without_any_attempt_noted(run: Path, training: Path) -> None:
    tell(run)


def runs_elsewhere(run: Path, training: Path) -> None:
    begin(training, host="there")
    tell(run, host="there", age_s=599.0)


def began_elsewhere(run: Path, training: Path) -> None:
    begin(training, host="there", started=HERE.now.isoformat())


def silent_elsewhere(run: Path, training: Path) -> None:
    begin(training, host="there")
    tell(run, host="there", age_s=1500.0)


def silent_from_the_start(run: Path, training: Path) -> None:
    begin(training, host="there")


def stopped(run: Path, training: Path) -> None:
    end(training, "stopped by SIGTERM", to=250)
    tell(run, state="stopped")


def failed(run: Path, training: Path) -> None:
    end(training, "the disk is full", to=250)
    tell(run)


def completed(run: Path, training: Path) -> None:
    end(training, "completed", to=1024)
    tell(run, state="completed")
    finish(run)


def diverged(run: Path, training: Path) -> None:
    end(training, "diverged", to=1024)
    finish(run, "diverged", problem="a reward is not finite")


def waits_for_more(run: Path, training: Path) -> None:
    end(training, "completed", to=500)
    tell(run, state="completed", samples=500, total_timesteps=500)
    finish(run, samples=500, total_timesteps=500)


def died_on_the_way_to_more(run: Path, training: Path) -> None:
    waits_for_more(run, training)
    begin(training, attempt=2, process=12, **{"from": 500})


@pytest.mark.parametrize(
    ("happened", "state", "samples", "note"),
    [
        (died_here, "died", 250, ""),
        (died_before_it_told, "died", 0, ""),
        (died_before_its_results, "died", 250, ""),
        (died_and_was_noted_by_the_next, "died", 128, ""),
        (died_without_any_attempt_noted, "died", 250, ""),
        (runs_elsewhere, "running", 250, ""),
        (began_elsewhere, "running", 0, ""),
        (silent_elsewhere, "silent", 250, "no word for 25 min"),
        (silent_from_the_start, "silent", 0, "no word for 60 min"),
        (stopped, "stopped", 250, ""),
        (failed, "failed", 250, "the disk is full"),
        (completed, "completed", 1024, ""),
        (diverged, "diverged", 1024, "a reward is not finite"),
        (waits_for_more, "waiting", 500, ""),
        (died_on_the_way_to_more, "died", 500, ""),
    ],
)
def test_a_state_follows_from_what_happened(
    run: Path, training: Path, happened: Callable[[Path, Path], None], state: str, samples: int, note: str
) -> None:
    happened(run, training)
    row = only(run)
    assert (row.state, row.samples, row.note, row.total) == (state, samples, note, TOTAL)
    assert row.eta_s is None or state == "running"


@pytest.mark.parametrize("happened", [died_here, stopped, failed, completed, waits_for_more, silent_elsewhere])
def test_whoever_holds_the_lock_runs(run: Path, training: Path, happened: Callable[[Path, Path], None]) -> None:
    happened(run, training)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (row,) = status.read(run)
        assert row.state == "running"
    (row,) = status.read(run)
    assert row.state != "running"


def test_reading_takes_no_lock_and_leaves_no_trace(
    run: Path, training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a lock was asked for")

    died_here(run, training)
    (run / "lock").touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(fcntl, "lockf", refuse)
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    status.read(tmp_path)
    after = {path: path.lstat() for path in tmp_path.rglob("*")}
    assert {path: (found.st_mtime_ns, found.st_ino) for path, found in before.items()} == {
        path: (found.st_mtime_ns, found.st_ino) for path, found in after.items()
    }


def test_the_rate_in_the_end_is_that_of_the_whole_training(run: Path, training: Path) -> None:
    completed(run, training)
    row = only(run)
    assert (row.steps_per_s, row.eta_s, row.attempts) == (1024 / 16, None, 1)


def test_progress_of_an_earlier_attempt_is_not_that_of_the_last(run: Path, training: Path) -> None:
    end(training, "killed", to=200)
    tell(run, samples=250)
    begin(training, attempt=2, host="there", started=HERE.now.isoformat(), **{"from": 200})
    row = only(run)
    assert (row.state, row.samples, row.steps_per_s, row.eta_s, row.attempts) == ("running", 200, None, None, 2)


def test_what_another_configuration_left_does_not_count(run: Path, training: Path) -> None:
    completed(run, training)
    write(run / "run.json", {"fingerprint": "another"})
    row = only(run)
    assert (row.state, row.samples, row.attempts, row.stable, row.where) == ("waiting", 0, 0, None, "")


def test_the_last_evaluation_is_found_before_the_next_one(run: Path, training: Path) -> None:
    died_here(run, training)
    tell(run, last_evaluation=None)
    assert only(run).stable is None
    rows = [{"stable_episodes": stable, "episodes": 20, "reward": stable / 20} for stable in (4, 9)]
    (training / "evaluations.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"stable": 10, "e')
    row = only(run)
    assert (row.stable, row.reward) == ((9, 20), 0.45)


@pytest.mark.parametrize("number", [1, None])
def test_an_attempt_killed_after_its_line_counts_once(run: Path, training: Path, number: int | None) -> None:
    end(training, "completed", to=1000)
    begin(training, attempt=number or 2)
    assert only(run).attempts == (1 if number else 2)


def test_a_place_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such directory — .*nothing — name the folder of results, of a"):
        status.read(tmp_path / "nothing")
    assert status.read(tmp_path) == []


ODD = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"{", b"[]", b"7", b"null", b'{"samples": "many"}', b'{"samples": NaN}', b"[" * 100_000]),
    st.dictionaries(
        st.sampled_from(["fingerprint", "state", "status", "samples", "host", "process", "updated", "why", "attempt"])
        | st.sampled_from(["last_evaluation", "total_timesteps", "eta_s", "train_seconds", "to", "slurm_job"]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers())),
    ).map(lambda content: json.dumps(content).encode() + b"\n"),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from(["run.json", "progress.json", "outcome.json", "config.yaml"])
        | st.sampled_from([f"training/{FINGERPRINT}/{name}" for name in ("attempt.json", "attempts.jsonl", "lock")])
        | st.just("training"),
        ODD,
    )
)
@example({"run.json": b"{}", "outcome.json": b'{"status": ["completed"]}'})
@example({"run.json": b"{}", "outcome.json": b'{"status": {}}', "progress.json": b'{"state": []}'})
def test_whatever_files_hold_there_is_one_row(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    study = tmp_path_factory.mktemp("study")
    make_study(study, [("walk", 1)])
    completed(study / "walk" / "seed_1", make_run(study / "walk" / "seed_1"))
    for name, data in content.items():
        target = study / "walk" / "seed_1" / name
        if target.is_dir() or target.parent.is_file():
            continue
        target.write_bytes(data)
    (row,) = status.read(study)
    assert row.state in get_args(reading.State) and row.total == TOTAL
    assert row.name in status.table([row])


@pytest.fixture
def trainers() -> Iterator[list[Trainer]]:
    """Trainers that must not outlive the test."""
    started: list[Trainer] = []
    yield started
    for trainer in started:
        trainer.process.kill()


def test_a_real_trainer_is_seen_to_run_die_stop_and_finish(prepare: Any, tmp_path: Path, trainers: list) -> None:
    run: RunDirectory = prepare(tmp_path / "run", training={"checkpoint_interval": 128})

    def row() -> RunStatus:
        return next(row for row in status.read(run.path))

    def train(fault: str | None) -> Trainer:
        trainers.append(start(run, fault=fault))
        if fault:
            trainers[-1].await_stall()
        return trainers[-1]

    assert row().state == "waiting"
    trainer = train("train.rollout:stall:3")
    assert (row().state, row().total, row().attempts) == ("running", 512, 1)
    trainer.signal(signal.SIGKILL)
    trainer.end()
    assert (row().state, row().eta_s) == ("died", None)
    trainer = train("train.rollout:stall:2")
    assert (row().state, row().attempts) == ("running", 2)
    trainer.signal(signal.SIGTERM)
    trainer.release()
    trainer.end()
    assert row().state == "stopped" and 0 < row().samples < 512
    assert train(None).end()[0] == 0
    assert (row().state, row().samples, row().attempts) == ("completed", 512, 3)
    assert row().stable is not None and row().reward is not None
