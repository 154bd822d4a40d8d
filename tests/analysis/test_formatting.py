"""Numbers, times and values are written as people read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.analysis import formatting


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_number_is_rounded_and_its_thousands_are_set_apart(value: float, digits: int) -> None:
    shown = formatting.number(value, digits)
    assert float(shown.replace(",", "")) == round(value, digits)
    first, *groups = shown.split(".")[0].lstrip("-").split(",")
    assert len(first) <= 3
    assert {len(group) for group in groups} <= {3}


@pytest.mark.parametrize(("amount", "shown"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs")])
def test_only_one_is_singular(amount: int, shown: str) -> None:
    assert formatting.count(amount, "run") == shown


TIMES = {0: "0 s", 59.4: "59 s", 59.6: "1 min 0 s", 185: "3 min 5 s", 3599.6: "1 h 0 min", 360_000: "100 h 0 min"}


@pytest.mark.parametrize(("seconds", "shown"), [(None, "–"), *TIMES.items()])
def test_a_time_is_told_in_its_largest_two_units(seconds: float | None, shown: str) -> None:
    assert formatting.duration(seconds) == shown


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "none"),
        (True, "yes"),
        (False, "no"),
        (1_000_000, "1,000,000"),
        (0.5, "0.5"),
        (3e-4, "0.0003"),
        ("walker3d", "walker3d"),
        ([64, [32, None]], "64, 32, none"),
        ({"physics": 1, "torch": {"cores": [2, 4]}}, "physics 1, torch cores 2, 4"),
    ],
)
def test_a_value_reads_as_in_a_sentence(content: Any, shown: str) -> None:
    assert formatting.value(json.loads(json.dumps(content))) == shown
