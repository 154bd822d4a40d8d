from __future__ import annotations

import pytest

from benchmarks import scaling


@pytest.mark.parametrize(("cores", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_a_machine_is_filled_by_doubling(cores: int, expected: list[int]) -> None:
    assert scaling.powers(cores) == expected


def test_the_short_version_tells_of_trainings_and_threads(quick) -> None:
    trainings, threads = quick("scaling").tables
    numbers = scaling.powers(scaling.usable_cores())
    assert [row["trainings"] for row in trainings["rows"]] == [row["threads"] for row in threads["rows"]] == numbers
    for row in trainings["rows"]:
        one = row["samples/s of one"]
        assert (
            row["trainings"] * one["low"] <= row["samples/s in all"] * 1.001 <= row["trainings"] * one["high"] * 1.002
        )
    assert trainings["rows"][0]["times one alone"] == threads["rows"][0]["times one thread"]["median"] == 1.0
