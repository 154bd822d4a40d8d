"""A full disk, in a checkpoint, the metrics, TensorBoard or a table: code 5 with the path, and nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from event_files import tensorboard_steps
from resume.trainers import Prepare, assert_same, attempts, saved
from stage_calls import prepare_run, train
from support import Done
from tensorboard.summary.writer.record_writer import RecordWriter

from mimicrl.runs import Run
from mimicrl.training.checkpoints import store
from mimicrl.training.reporting.json_lines import JsonLines, read_json_lines


@contextlib.contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Have the system refuse to make a file of more bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class _Disk(io.FileIO):
    """A file on a disk with room for so many bytes; what fits of a write is written."""

    room = 0

    def write(self, data: Any) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = super().write(data[: self.room])
        self.room -= written
        return written


Limit = Callable[[str, int], None]


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Limit:
    """Leaves so many bytes of room for a file of JSON lines, by its name."""

    def limit(name: str, room: int) -> None:
        make = JsonLines.__init__

        def made(lines: JsonLines, path: Path, offset: int = 0) -> None:
            make(lines, path, offset)
            if path.name == name:
                lines._file.close()
                lines._file = _Disk(path, "ab")
                lines._file.room = room

        monkeypatch.setattr(JsonLines, "__init__", made)

    return limit


def valid(run: Run) -> int | None:
    """The samples of the newest checkpoint; none is damaged."""
    found, problems = store.newest(run.training.checkpoints_directory, run.fingerprint)
    assert problems == []
    return found.samples if found else None


def fails(done: Done, path: Path, got: str = "No space left on device") -> None:
    """Check that a training ended with the one line that a full disk has."""
    assert done.code == 5
    assert done.last == f"mimicrl train: the disk is full — {path} — got {got} — free some space and run again"


@pytest.fixture
def halfway(prepare: Prepare, tiny: Any, tmp_path: Path) -> Run:
    """A run of 512 samples that has trained 256 so far."""
    run = prepare(tmp_path / "run", training={"total_timesteps": 256}, logging={"tensorboard": True})
    train(run, cores=1)
    run.outcome_file.unlink()
    return prepare_run(tiny(logging={"tensorboard": True}), tmp_path, run.path)


def assert_continues(run: Run, whole: Run, start: int) -> None:
    """Check that with room on the disk the run goes on to the same bits, and no step is doubled or missing."""
    train(run, resume="must", cores=1)
    assert attempts(run)[-1][0] == start
    assert_same(run, whole)
    assert tensorboard_steps(run.tensorboard_directory)["train/loss"] == [128, 256, 384, 512]
    assert [path for path in run.path.rglob("*") if path.name.startswith(".tmp-")] == []


@pytest.mark.fault(4)
def test_a_checkpoint_without_room(mimicrl: Any, halfway: Run, trained_run: Run) -> None:
    folder = halfway.training.checkpoints_directory
    size = (folder / "step-000000000256" / "tensors.safetensors").stat().st_size
    with no_file_over(size - 1):
        done = mimicrl("train", halfway.path, "--cores", 1)
    fails(done, folder / "step-000000000384", "File too large")
    assert valid(halfway) == 256
    assert saved(halfway) == [128, 256]
    assert not halfway.outcome_file.exists()
    assert attempts(halfway)[-1] == (256, 384, "the disk is full")
    assert_continues(halfway, trained_run, 256)


# A file of lines, the room that is left in it, its lines before and afterwards, and where training goes on.
LINES = {
    "metrics.jsonl": [(0, [128, 256], 256), (300, [128, 256], 256)],
    "evaluations.jsonl": [(40, [256], 384)],
}


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("name", "room", "kept", "start"), [(name, *case) for name, cases in LINES.items() for case in cases]
)
def test_a_history_without_room(
    mimicrl: Any,
    halfway: Run,
    trained_run: Run,
    limited: Limit,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    room: int,
    kept: list[int],
    start: int,
) -> None:
    limited(name, room)
    done = mimicrl("train", halfway.path, "--cores", 1)
    file = halfway.training.path / name
    fails(done, file)
    assert [line["samples"] for line in read_json_lines(file)] == kept, "no part of a row is kept"
    assert valid(halfway) == start
    monkeypatch.undo()
    assert_continues(halfway, trained_run, start)


@pytest.mark.fault(5)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("torn", [True, False])
def test_tensorboard_without_room(
    mimicrl: Any, halfway: Run, trained_run: Run, monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    records = 0

    def write(writer: RecordWriter, data: bytes) -> None:
        nonlocal records
        records += 1
        if records < 6:  # within the first row
            return real(writer, data)
        if torn:
            writer._writer.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = RecordWriter.write
    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "write", write)
        done = mimicrl("train", halfway.path, "--cores", 1)
    fails(done, halfway.tensorboard_directory)
    assert valid(halfway) == 256
    assert_continues(halfway, trained_run, 256)


def test_results_without_room(mimicrl: Any, halfway: Run, trained_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def write(path: Path, data: bytes) -> int:
        if path.name.endswith("metrics.parquet"):
            real(path, data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    before = halfway.metrics_file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        done = mimicrl("train", halfway.path, "--cores", 1)
    fails(done, halfway.metrics_file)
    assert halfway.metrics_file.read_bytes() == before
    assert not halfway.outcome_file.exists()
    assert attempts(halfway)[-1][2] == "the disk is full"
    assert_continues(halfway, trained_run, 512)


def test_the_note_of_an_attempt_without_room(
    mimicrl: Any, halfway: Run, trained_run: Run, limited: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited("attempts.jsonl", 20)
    done = mimicrl("train", halfway.path, "--cores", 1)
    fails(done, halfway.training.attempts_file)
    monkeypatch.undo()
    assert_continues(halfway, trained_run, 512)
    assert attempts(halfway) == [(0, 256, "completed"), (256, 512, "killed"), (512, 512, "completed")]


def test_a_disk_without_any_room_at_the_start(mimicrl: Any, prepare: Prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run", training={"total_timesteps": 128})
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with no_file_over(0):
        done = mimicrl("train", run.path, "--cores", 1)
    fails(done, run.lock_file, "File too large")
    assert {path: path.read_bytes() for path in before} == before
    assert train(run, cores=1).status == "completed"
