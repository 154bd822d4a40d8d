"""Logs: append-only files that can be cut back to what a checkpoint knows, and a terminal that may go away."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from mimicrl.training.logs import JsonLines, Terminal, make_logger, read_json_lines


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


def test_an_offset_beyond_the_file_adds_nothing_to_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    size = write(path, range(2))
    lines = JsonLines(path, size + 1000)
    assert lines.offset == size
    lines.close()
    assert path.stat().st_size == size


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_json_lines(tmp_path / "none.jsonl") == []


def test_the_logger_writes_numbers_and_leaves_the_rest(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    logger = make_logger(lines, None, [])
    for key, value in {"int": 2, "float": 0.5, "numpy": np.float32(0.25), "array": np.zeros(2), "text": "x"}.items():
        logger.record(key, value)
    logger.dump(64)
    logger.close()
    assert not lines._file.closed, "the file belongs to its owner"
    lines.close()
    assert read_json_lines(lines.path) == [{"samples": 64, "int": 2.0, "float": 0.5, "numpy": 0.25}]


def test_tensorboard_files_appear_where_asked(tmp_path: Path) -> None:
    lines = JsonLines(tmp_path / "metrics.jsonl")
    logger = make_logger(lines, tmp_path / "tb", [])
    logger.record("loss", 1.0)
    logger.dump(1)
    logger.close()
    lines.close()
    assert [path.name.split(".")[0] for path in (tmp_path / "tb").iterdir()] == ["events"]


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
