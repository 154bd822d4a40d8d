"""Append-only files that can be cut back to what a checkpoint knows."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest

from mimicrl.errors import ArtifactError, MachineError
from mimicrl.training.reporting.json_lines import JsonLines, read_json_lines


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
        f"a part of the training's history is missing — {path} — got {size} bytes, expected {size + 1} or more — "
        "restore the file, or start from zero with --resume never"
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
    assert caught.value.fix == "restore the file, or start from zero with --resume never"


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "none.jsonl") == []


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
