"""Schedules: where they start and end, that they only fall, and what they do not depend on."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.config import Schedule
from mimicrl.learning.schedules import value_at

FALLING = [
    Schedule(kind="linear", start=1e-3, end=1e-4, samples=1000),
    Schedule(kind="exponential", start=1e-3, end=1e-4, rate=3.0, samples=1000),
    Schedule(kind="linear", start=1e-3, end=1e-4),
    Schedule(kind="exponential", start=1e-3, end=1e-4),
]


@pytest.mark.parametrize("schedule", FALLING)
def test_it_starts_at_its_start(schedule: Schedule) -> None:
    assert value_at(schedule, 0, 1000) == pytest.approx(1e-3, rel=1e-12)


def test_a_line_ends_at_its_end_and_is_halfway_in_the_middle() -> None:
    schedule = FALLING[0]
    assert value_at(schedule, 1000, 5) == pytest.approx(1e-4)
    assert value_at(schedule, 500, 5) == pytest.approx((1e-3 + 1e-4) / 2)


def test_the_exponential_ends_as_close_as_its_rate_says() -> None:
    assert value_at(FALLING[1], 1000, 5) == pytest.approx(1e-4 + (1e-3 - 1e-4) * math.exp(-3.0))


@pytest.mark.parametrize("schedule", FALLING)
@given(samples=st.tuples(st.integers(0, 2000), st.integers(0, 2000)))
def test_it_falls_and_stays_between_its_ends(schedule: Schedule, samples: tuple[int, int]) -> None:
    early, late = (value_at(schedule, moment, 1000) for moment in sorted(samples))
    assert 1e-3 + 1e-15 >= early >= late >= 1e-4 - 1e-15


@pytest.mark.parametrize("schedule", FALLING)
def test_after_its_end_it_stays(schedule: Schedule) -> None:
    assert value_at(schedule, 10**9, 1000) == value_at(schedule, 1000, 1000)


@pytest.mark.parametrize("schedule", FALLING[:2])
@given(samples=st.integers(0, 2000), budgets=st.tuples(st.integers(1, 10**7), st.integers(1, 10**7)))
def test_a_schedule_over_samples_knows_no_budget(schedule: Schedule, samples: int, budgets: tuple[int, int]) -> None:
    assert value_at(schedule, samples, budgets[0]) == value_at(schedule, samples, budgets[1])


@pytest.mark.parametrize("schedule", FALLING[2:])
def test_a_schedule_without_samples_stretches_with_the_budget(schedule: Schedule) -> None:
    assert value_at(schedule, 300, 1000) == value_at(schedule, 600, 2000) != value_at(schedule, 300, 2000)


@given(samples=st.integers(0, 10**9))
def test_a_constant_is_constant(samples: int) -> None:
    assert value_at(Schedule(kind="constant", start=0.2), samples, 1000) == 0.2
