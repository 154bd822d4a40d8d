"""The attempts of a training: a line each, whether it could say why it ended or not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts, machine
from mimicrl.runs.layout import TrainingState
from mimicrl.runs.records import Progress
from mimicrl.training.reporting import attempts
from mimicrl.training.reporting.attempts import CurrentAttempt
from mimicrl.training.reporting.json_lines import read_json_lines

TOKEN = "0123456789abcdef"


@pytest.fixture
def progress(tmp_path: Path) -> Path:
    return tmp_path / "progress.json"


def lines(folder: Path) -> list[dict[str, Any]]:
    return read_json_lines(folder / "attempts.jsonl")


def tell(progress: Path, **changes: Any) -> None:
    """Write what a trainer tells of its progress."""
    told = dict.fromkeys(Progress.model_fields) | {
        "state": "running",
        "samples": 999,
        "total_timesteps": 1000,
        "steps_per_s": 50.0,
        "interval_s": 10.0,
        "host": "here",
        "process": os.getpid(),
        "token": TOKEN,
        "updated": "2100-01-01T00:00:00+00:00",
    }
    artifacts.write_json(progress, told | changes)


def test_an_attempt_that_ended_has_one_line(tmp_path: Path, progress: Path, monkeypatch) -> None:
    now = [50.0]
    monkeypatch.setattr(attempts.time, "monotonic", lambda: now[0])
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    attempt = CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN)
    assert not (tmp_path / "attempts.jsonl").exists()
    assert artifacts.read_json(tmp_path / "attempt.json")["process"] == os.getpid()
    now[0] += 12.5
    attempt.end(384, "completed")
    (line,) = lines(tmp_path)
    assert (line["from"], line["to"], line["why"]) == (128, 384, "completed")
    assert (line["host"], line["process"], line["slurm_job"]) == (machine.host(), os.getpid(), "77")
    assert line["seconds"] == 12.5 and line["started"] <= line["ended"]
    assert not (tmp_path / "attempt.json").exists()


def test_attempts_follow_each_other(tmp_path: Path, progress: Path) -> None:
    for begin, why in ((0, "stopped by SIGTERM"), (128, "diverged"), (128, "completed")):
        CurrentAttempt(TrainingState(tmp_path), progress, begin, TOKEN).end(begin + 128, why)
    told = [(line["from"], line["to"], line["why"]) for line in lines(tmp_path)]
    assert told == [(0, 128, "stopped by SIGTERM"), (128, 256, "diverged"), (128, 256, "completed")]


def test_an_attempt_that_was_killed_gets_its_line_from_the_next(tmp_path: Path, progress: Path) -> None:
    CurrentAttempt(TrainingState(tmp_path), progress, 0, TOKEN)
    started = artifacts.read_json(tmp_path / "attempt.json")["started"]
    tell(progress)
    CurrentAttempt(TrainingState(tmp_path), progress, 256, TOKEN).end(512, "completed")
    killed, completed = lines(tmp_path)
    assert (killed["from"], killed["to"], killed["why"]) == (0, 256, "killed")
    assert killed["started"] == started and killed["ended"] == "2100-01-01T00:00:00+00:00" and killed["seconds"] > 0
    assert (completed["from"], completed["to"]) == (256, 512)
    assert not (tmp_path / "attempt.json").exists()


def test_attempts_that_were_all_killed_have_all_their_lines(tmp_path: Path, progress: Path) -> None:
    for samples in (0, 128, 128, 256):
        CurrentAttempt(TrainingState(tmp_path), progress, samples, TOKEN)
    told = [(line["from"], line["to"], line["why"]) for line in lines(tmp_path)]
    assert told == [(0, 128, "killed"), (128, 128, "killed"), (128, 256, "killed")]


@pytest.mark.parametrize("why", ["killed", "completed"])
def test_a_kill_between_line_and_note_makes_no_second_line(
    tmp_path: Path, progress: Path, why: str, monkeypatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    attempt = CurrentAttempt(TrainingState(tmp_path), progress, 0, TOKEN)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if why == "killed":
            patch.setattr(attempts.artifacts, "write_json", killed)
            # It writes the line of the first, and is killed before its own note.
            CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN)
        else:
            patch.setattr(Path, "unlink", killed)
            attempt.end(128, why)
    CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN).end(256, "completed")
    assert [(line["attempt"], line["to"], line["why"]) for line in lines(tmp_path)] == [
        (1, 128, why),
        (2, 256, "completed"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"{",
        b"[]",
        b"7",
        {"token": "another's"},
        {"token": None},
        {"updated": "yesterday"},
        {"updated": "2100-01-01"},
        {"updated": 7},
    ],
    ids=str,
)
def test_without_word_of_its_progress_a_killed_attempt_has_no_end(tmp_path: Path, progress: Path, content: Any) -> None:
    CurrentAttempt(TrainingState(tmp_path), progress, 0, TOKEN)
    if isinstance(content, dict):
        tell(progress, **content)
    elif content is not None:
        progress.write_bytes(content)
    CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN)
    (killed,) = lines(tmp_path)
    assert (killed["from"], killed["to"], killed["why"]) == (0, 128, "killed")
    assert killed["seconds"] is None and killed["ended"] is None


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}", b'{"process": 1}'])
def test_a_damaged_note_of_a_killed_attempt_stops_nothing(tmp_path: Path, progress: Path, content: bytes) -> None:
    (tmp_path / "attempt.json").write_bytes(content)
    tell(progress)
    CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN).end(256, "completed")
    killed, completed = lines(tmp_path)
    assert (killed["attempt"], killed["from"], killed["to"], killed["why"]) == (1, None, 128, "killed")
    assert (completed["attempt"], completed["why"]) == (2, "completed")


def test_a_line_torn_by_a_full_disk_goes_and_the_others_stay(tmp_path: Path, progress: Path) -> None:
    CurrentAttempt(TrainingState(tmp_path), progress, 0, TOKEN).end(128, "completed")
    with (tmp_path / "attempts.jsonl").open("a") as file:
        file.write('{"from": 128, "ho')
    CurrentAttempt(TrainingState(tmp_path), progress, 128, TOKEN).end(256, "completed")
    assert [line["to"] for line in lines(tmp_path)] == [128, 256]
