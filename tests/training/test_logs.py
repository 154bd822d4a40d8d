"""Logs: append-only files that can be cut back to what a checkpoint knows, and a terminal that may go away."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from event_files import tensorboard_steps
from stable_baselines3.common.logger import Logger

from mimicrl.errors import ArtifactError, MachineError
from mimicrl.training.logs import JsonLines, MetricsWriter, TensorBoardWriter, Terminal, read_json_lines


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "below" / "rows.jsonl")
    rows = [{"samples": n, "value": n / 3, "what": "ü"} for n in range(5)]
    for row in rows:
        lines.append(row)
    assert read_json_lines(lines.path) == rows  # without closing: every row is on disk at once
    lines.close()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_become_null(tmp_path: Path, value: float) -> None:
    lines = JsonLines(tmp_path / "rows.jsonl")
    lines.append({"kl": value, "loss": 1.0})
    lines.close()
    assert read_json_lines(lines.path) == [{"kl": None, "loss": 1.0}]


def write(path: Path, numbers: range) -> int:
    lines = JsonLines.appending(path)
    for number in numbers:
        lines.append({"samples": number})
    offset = lines.offset
    lines.close()
    return offset


@pytest.mark.parametrize("kept", range(4))
def test_cutting_back_to_an_offset_forgets_the_rows_after_it(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "rows.jsonl"
    offset = write(path, range(kept))
    write(path, range(10, 13))
    lines = JsonLines(path, offset)
    assert lines.offset == offset, "a checkpoint saved before the next row must know the cut file's length"
    lines.append({"samples": 99})
    lines.close()
    assert [row["samples"] for row in read_json_lines(path)] == [*range(kept), 99]


@pytest.mark.parametrize("rows", [0, 2])
def test_a_history_that_is_shorter_than_a_checkpoint_knows_is_refused(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "training" / "rows.jsonl"
    size = write(path, range(rows)) if rows else 0
    with pytest.raises(ArtifactError) as caught:
        JsonLines(path, size + 1)
    assert str(caught.value) == (
        f"a part of the training's history is gone — {path} — got {size} bytes, expected {size + 1} or more — "
        "put the file back, or start from nothing with --resume never"
    )
    assert path.exists() == bool(rows) and (not rows or path.stat().st_size == size), "nothing was touched"


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b'{"samples": 1', "Expecting ',' delimiter"),
        (b"\x00\x00", "Expecting value"),
        (b"\xff", "'utf-8' codec can't decode"),
        (b"", "Expecting value"),
        (100_000 * b"[", "maximum recursion depth"),
        (b"[1]", "list"),
        (b"7", "int"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_damaged_line_is_told_with_its_number(tmp_path: Path, line: bytes, got: str) -> None:
    path = tmp_path / "rows.jsonl"
    write(path, range(2))
    path.write_bytes(path.read_bytes() + line + b'\n{"samples": 2}\n')
    with pytest.raises(ArtifactError) as caught:
        read_json_lines(path)
    assert str(caught.value).startswith(f"the training's history is damaged — {path}, line 3 — got {got}")
    assert caught.value.fix == "put the file back, or start from nothing with --resume never"


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "none.jsonl") == []


def test_the_logger_writes_numbers_and_leaves_the_rest(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    logger = Logger(None, [MetricsWriter(lines)])
    for key, value in {"int": 2, "float": 0.5, "numpy": np.float32(0.25), "array": np.zeros(2), "text": "x"}.items():
        logger.record(key, value)
    logger.dump(64)
    logger.close()
    assert not lines._file.closed, "the file belongs to its owner"
    lines.close()
    assert read_json_lines(lines.path) == [{"samples": 64, "int": 2.0, "float": 0.5, "numpy": 0.25}]


def full(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("room", [0, 1, 9])
def test_a_row_that_the_disk_has_no_room_for_leaves_nothing_of_itself(tmp_path: Path, monkeypatch, room: int) -> None:
    class Disk(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            nonlocal room
            if room == 0:
                full()
            written = super().write(data[:room])
            room -= written
            return written

    path = tmp_path / "rows.jsonl"
    write(path, range(3))
    lines = JsonLines.appending(path)
    lines._file.close()
    lines._file = Disk(path, "ab")
    with pytest.raises(MachineError) as caught:
        lines.append({"samples": 3})
    assert str(caught.value) == (
        f"the disk is full — {path} — got No space left on device — free some space and run again"
    )
    assert read_json_lines(path) == [{"samples": number} for number in range(3)]
    room = 1000
    lines.append({"samples": 4})
    lines.close()
    assert [row["samples"] for row in read_json_lines(path)] == [0, 1, 2, 4]


def test_a_row_written_in_pieces_is_whole(tmp_path: Path) -> None:
    class Slow(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            return super().write(data[:3])

    lines = JsonLines(tmp_path / "rows.jsonl")
    lines._file.close()
    lines._file = Slow(lines.path, "ab")
    lines.append({"samples": 12345})
    lines.close()
    assert read_json_lines(lines.path) == [{"samples": 12345}]


def test_a_disk_that_fails_to_keep_rows_is_named(tmp_path: Path, monkeypatch) -> None:
    lines = JsonLines(tmp_path / "rows.jsonl")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match=rf"^the disk is full — {lines.path} — "):
        lines.sync()
    lines.close()


@pytest.mark.parametrize("torn", ["", "{", '{"samples": 1', '{"samples": 1}'])
def test_appending_begins_after_the_last_whole_line(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "rows.jsonl"
    write(path, range(2))
    with path.open("a") as file:
        file.write(torn)
    write(path, range(5, 7))
    assert [row["samples"] for row in read_json_lines(path)] == [0, 1, 5, 6]


def log(writer: TensorBoardWriter, *steps: int) -> None:
    logger = Logger(None, [writer])
    for step in steps:
        logger.record("loss", step / 7)
        logger.record("reward/pose", 1.0)
        logger.dump(step)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 3), (2, 5), (4, 4), (0, 6)])
def test_tensorboard_goes_on_where_the_checkpoint_was_again_and_again(
    tmp_path: Path, first: int, second: int, closed: bool
) -> None:
    """`first` and `second` are what the checkpoints knew, of the six steps that were to be logged."""
    lengths: dict[str, int] = {}
    for begin, known in ((0, first), (first, second), (second, 6)):
        writer = TensorBoardWriter(tmp_path / "tb", lengths)
        log(writer, *range(begin, known))
        lengths = writer.lengths()
        if known < 6:
            log(writer, *range(known, 6))  # all this is taken again
            writer.writer.flush()
        if closed:
            writer.close()
    assert tensorboard_steps(tmp_path / "tb") == {tag: list(range(6)) for tag in ("loss", "reward/pose")}


@pytest.mark.fault(5)
def test_tensorboard_cuts_a_torn_record_off(tmp_path: Path) -> None:
    writer = TensorBoardWriter(tmp_path, {})
    log(writer, 0, 1)
    lengths = writer.lengths()
    log(writer, 2)
    writer.close()
    file = next(tmp_path.iterdir())
    os.truncate(file, file.stat().st_size - 3)
    writer = TensorBoardWriter(tmp_path, lengths)
    log(writer, 2, 3)
    writer.close()
    assert tensorboard_steps(tmp_path)["loss"] == [0, 1, 2, 3]


def test_tensorboard_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "events.out.tfevents.1.other").write_bytes(b"from a training that was started anew")
    writer = TensorBoardWriter(tmp_path, {})
    assert len(writer.lengths()) == 1
    writer.close()
    assert (tmp_path / "notes.txt").read_text() == "mine" and (tmp_path / "plugins").exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_disk_without_room_for_tensorboard_is_named(tmp_path: Path, monkeypatch) -> None:
    writer = TensorBoardWriter(tmp_path, {})
    monkeypatch.setattr(writer.writer, "flush", full)
    for work in (lambda: log(writer, 1), writer.lengths):
        with pytest.raises(MachineError, match=rf"^the disk is full — {tmp_path} — got No space left on device — "):
            work()
    writer.close()


def test_the_terminal_prints_markup_as_it_is(tiny, capsys) -> None:
    terminal = Terminal(tiny(), 0)
    terminal.say("got [red]3[/red] of [4, 5]")
    terminal.update(3, "detail")  # without a terminal there is no bar
    terminal.close()
    assert capsys.readouterr().err == "got [red]3[/red] of [4, 5]\n"


def test_a_reader_that_goes_away_silences_the_terminal(tiny) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(tiny(), 0)
    terminal.console.file = Gone()
    terminal.say("one")
    terminal.say("two")
    assert terminal.console.quiet
