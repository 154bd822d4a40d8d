from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import paired, scaling
from mimicrl.runs import Run


@pytest.mark.parametrize(("cores", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_a_machine_is_filled_by_doubling(cores: int, expected: list[int]) -> None:
    assert scaling.powers(cores) == expected


def test_rates_add_up_and_are_compared_with_one_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rates = {1: [100.0], 2: [90.0, 80.0]}
    monkeypatch.setattr(scaling, "side_by_side", lambda folder, count, samples: rates[count])
    one, two = scaling.trainings(tmp_path, [1, 2], 1000).rows
    assert (one["samples/s in all"], one["times one alone"]) == (100.0, 1.0)
    assert (two["samples/s in all"], two["times one alone"]) == (170.0, 1.7)
    assert (two["samples/s of one"].low, two["samples/s of one"].high) == (80.0, 90.0)


def test_what_a_training_said_that_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = paired.prepare

    def changed(path: Path, **sections: Any) -> Run:
        run = prepare(path, **sections)
        run.walker_file.write_text(run.walker_file.read_text() + "\n")
        return run

    monkeypatch.setattr(paired, "prepare", changed)
    with pytest.raises(SystemExit, match="a file of the run was changed"):
        scaling.side_by_side(tmp_path, 1, 1024)


def test_the_short_version_tells_of_trainings_and_threads(quick) -> None:
    told = quick("scaling")
    numbers = scaling.powers(min(scaling.usable_cores(), 2))
    assert [
        [row[key] for row in table["rows"]] for table, key in zip(told.tables, ("trainings", "threads"), strict=True)
    ] == [
        numbers,
        numbers,
    ]
    assert min(told.figures()) > 0.0
