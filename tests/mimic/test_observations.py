"""Observations: symmetric in the mirror, blind to place and heading, bounded, finite, and documented."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from gymnasium import spaces

from mimicrl.config.mdp import ObservationName
from mimicrl.mimic.observations import MAX_RATE_RAD_S, TERMS, Observation
from mimicrl.walkers import Walker


@pytest.fixture(scope="module")
def observation(walker: Walker) -> Observation:
    """All terms there are."""
    return Observation(tuple(TERMS), walker, 1.25)


def line_numbers(observation: Observation) -> np.ndarray:
    return np.array(["of the line" in row.meaning for row in observation.rows])


def test_every_configurable_name_is_a_term_and_vice_versa() -> None:
    assert set(TERMS) == set(get_args(ObservationName))


def test_observations_are_float32_with_a_number_a_row(observation: Observation, rows: Any) -> None:
    values = observation.compute(rows.measure())
    assert values.dtype == np.float32
    assert values.shape == (len(rows.phase), len(observation.rows))


def test_terms_keep_their_order(walker: Walker, rows: Any) -> None:
    names = ("joint_velocities", "phase", "root_height")
    together = Observation(names, walker, 1.25).compute(rows.measure())
    alone = [Observation((name,), walker, 1.25).compute(rows.measure()) for name in names]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_mirroring_twice_changes_nothing(observation: Observation, rows: Any) -> None:
    values = observation.compute(rows.measure())
    np.testing.assert_array_equal(observation.mirror(observation.mirror(values)), values)
    assert observation.mirror(values).dtype == np.float32


def test_observing_the_mirrored_world_is_mirroring_the_observation(observation: Observation, rows: Any) -> None:
    here, there = rows.measure(), rows.mirrored().measure()
    np.testing.assert_allclose(observation.compute(there), observation.mirror(observation.compute(here)), atol=1e-6)


def test_bounds_are_symmetric_in_the_mirror(observation: Observation) -> None:
    ends = observation.mirror(np.stack([observation.low, observation.high]))
    np.testing.assert_allclose(ends.min(axis=0), observation.low)
    np.testing.assert_allclose(ends.max(axis=0), observation.high)


@pytest.mark.parametrize("heading_rad", [-2.5, 0.4])
def test_place_and_heading_change_only_the_line_deviation(
    observation: Observation, rows: Any, heading_rad: float
) -> None:
    here = observation.compute(rows.measure())
    there = observation.compute(rows.moved(heading_rad, (5.0, -0.5)).measure())
    changed = ~np.isclose(here, there, rtol=0, atol=2e-6).all(axis=0)
    np.testing.assert_array_equal(changed, line_numbers(observation))


def test_walking_along_the_line_changes_nothing(observation: Observation, rows: Any) -> None:
    here = observation.compute(rows.measure())
    there = observation.compute(rows.moved(0.0, (100.0, 0.0)).measure())
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e300])
def test_values_stay_in_the_space(observation: Observation, rows: Any, size: float) -> None:
    space = spaces.Box(observation.low, observation.high, dtype=np.float32)
    noise = np.random.default_rng(3).normal(0, size, rows.qpos.shape)
    wild = rows._replace(qpos=rows.qpos + noise, qvel=rows.qvel + noise[:, 1:])
    with np.errstate(all="ignore"):
        values = observation.compute(wild.measure())
    assert all(value in space for value in values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_state_has_a_finite_observation(observation: Observation, rows: Any, bad: float) -> None:
    broken = rows._replace(qpos=np.full_like(rows.qpos, bad), qvel=np.full_like(rows.qvel, bad))
    with np.errstate(all="ignore"):
        values = observation.compute(broken.measure())
    assert np.isfinite(values).all()


def test_saturation_stops_at_the_bound(walker: Walker, rows: Any) -> None:
    fast = rows._replace(qvel=np.full_like(rows.qvel, 1e4))
    values = Observation(("joint_velocities",), walker, 1.25).compute(fast.measure())
    np.testing.assert_array_equal(values, np.float32(MAX_RATE_RAD_S))


def test_the_velocity_command_is_the_references_speed(walker: Walker, rows: Any) -> None:
    np.testing.assert_array_equal(Observation(("velocity_command",), walker, 1.5).compute(rows.measure()), 1.5)


def test_the_phase_lies_on_the_circle_and_tells_where(walker: Walker, rows: Any) -> None:
    sine, cosine = Observation(("phase",), walker, 1.25).compute(rows.measure()).T
    np.testing.assert_allclose(np.arctan2(sine, cosine) / (2 * np.pi) % 1.0, rows.phase, atol=1e-6)


def test_the_table_lists_every_number_with_unit_and_joint(observation: Observation, walker: Walker) -> None:
    head, _, *lines = observation.table().splitlines()
    assert [cell.strip() for cell in head.strip("|").split("|")] == ["Num", "meaning", "unit", "joint", "min", "max"]
    assert len(lines) == len(observation.rows)
    for number, (line, row) in enumerate(zip(lines, observation.rows, strict=True)):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[:4] == [str(number), row.meaning, row.unit, row.joint or "–"]
        assert float(cells[4]) == pytest.approx(observation.low[number], abs=0.006)
        assert float(cells[5]) == pytest.approx(observation.high[number], abs=0.006)
        assert row.unit
        assert row.low < row.high
    assert {row.joint for row in observation.rows} == {"", "root", *walker.joint_names}
