"""The table: a line a run, aligned, and those that matter first where not all fit."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.status import RunStatus, is_over, table
from mimicrl.status.reading import State
from mimicrl.status.table import duration

ROWS = [
    RunStatus("demo/walk/seed_1", "running", 80_896, 400_000, 1512.3, 211.0, (20, 20), 0.9341, 2, "node7, job 42"),
    RunStatus("demo/walk/seed_10", "waiting", total=400_000),
    RunStatus("mine", "failed", 5, note="the disk\nis full"),
]
QUIET = {"waiting", "completed", "diverged"}

states = st.lists(st.sampled_from(get_args(State)), max_size=40)


def rows_of(found: list[State]) -> list[RunStatus]:
    return [RunStatus(f"run{place}!", state) for place, state in enumerate(found)]


def test_all_that_is_known_has_its_column() -> None:
    totals, *lines = table(ROWS).splitlines()
    assert totals == "3 runs: 1 failed, 1 running, 1 waiting"
    columns = ("run", "state", "samples", "of", "%", "steps/s", "ETA", "stable", "reward", "attempts", "where", "note")
    assert lines[0].split() == [*columns]
    assert [re.split(" {2,}", line) for line in lines[1:]] == [
        [
            *("demo/walk/seed_1", "running", "80,896", "400,000", "20", "1,512", "3 min 31 s", "20/20", "0.934", "2"),
            "node7, job 42",
        ],
        ["demo/walk/seed_10", "waiting", "0", "400,000", "0", "-", "-", "-", "-", "0", "-"],
        ["mine", "failed", "5", "-", "-", "-", "-", "-", "-", "0", "-", "the disk is full"],
    ]


def test_columns_are_aligned() -> None:
    _, header, *lines = table(ROWS).splitlines()
    for name in ("state", "where", "note"):
        start = header.index(name)
        assert all(line[start - 1] == " " != line[start] for line in lines if len(line) > start)
    for name in ("samples", "of", "%", "steps/s", "ETA", "stable", "reward", "attempts"):
        end = header.index(name) + len(name)
        assert all(line[end - 1] != " " and line[end] == " " for line in lines)


def test_of_nothing_there_is_no_table() -> None:
    assert table([]) == "0 runs"
    assert table(ROWS[:1]).startswith("1 run: 1 running\n")


def test_more_than_all_is_all() -> None:
    assert " 100 " in table([RunStatus("a", "completed", 4096, 4000)])
    assert "  99 " in table([RunStatus("a", "running", 3999, 4000)]), "nor is it rounded up"


def test_long_notes_are_cut() -> None:
    (line,) = table([RunStatus("a", "failed", note="x" * 500)]).splitlines()[2:]
    assert re.search(r" x{59}…$", line)


@given(states)
def test_without_a_height_every_run_has_its_line(found: list[State]) -> None:
    lines = table(rows_of(found)).splitlines()
    assert [line.split("!")[0] for line in lines[2:]] == [f"run{place}" for place in range(len(found))]


@given(states, st.integers(4, 30))
def test_with_a_height_none_is_lost_and_those_that_matter_come_first(found: list[State], height: int) -> None:
    rows = rows_of(found)
    lines = table(rows, height).splitlines()
    assert len(lines) <= height
    shown = [row for row in rows if any(line.startswith(row.name) for line in lines)]
    hidden = [row for row in rows if row not in shown]
    if hidden:
        assert lines[-1].startswith(f"and {len(hidden)} run") and len(lines) == height
        assert {row.state for row in shown} <= {row.state for row in rows} - QUIET or all(
            row.state in QUIET for row in hidden
        )
    assert [row.name for row in shown] == [line.split()[0] for line in lines if line.startswith("run") and "!" in line]


@given(states)
def test_it_is_over_when_every_run_is(found: list[State]) -> None:
    assert is_over(rows_of(found)) == (not {*found} - {"completed", "diverged"})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (211, "3 min 31 s"),
        (3599.9, "1 h 00 min"),
        (7 * 3600 + 305, "7 h 05 min"),
        (86_400, "1 d 0 h"),
        (1e6, "11 d 13 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
