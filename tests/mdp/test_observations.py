"""Observations: symmetric in the mirror, blind to place and heading, bounded, finite, and documented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from mdp.rows import Rows
from pydantic import ValidationError

from mimicrl.mdp import observations
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.observations import Observation
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED_RATE_RAD_S
from mimicrl.mdp.terms import ObservationTerm, Row, View
from mimicrl.walkers import Walker


@pytest.fixture(scope="module")
def observation(walker: Walker) -> Observation:
    """All terms there are."""
    return Observation(MDPConfig().observations.all(), walker)


def line_numbers(observation: Observation) -> np.ndarray:
    return np.array(["of the line" in row.meaning for row in observation.rows])


def test_observations_are_float32_with_a_number_a_row(observation: Observation, rows: Rows) -> None:
    values = observation.compute(rows.view())
    assert values.dtype == np.float32
    assert values.shape == (len(rows.phase), len(observation.rows))


def test_terms_keep_their_order(walker: Walker, rows: Rows) -> None:
    terms = [observations.JointVelocities(), observations.Phase(), observations.RootHeight()]
    together = Observation(terms, walker).compute(rows.view())
    alone = [Observation([term], walker).compute(rows.view()) for term in terms]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_mirroring_twice_changes_nothing(observation: Observation, rows: Rows) -> None:
    values = observation.compute(rows.view())
    np.testing.assert_array_equal(observation.mirror(observation.mirror(values)), values)
    assert observation.mirror(values).dtype == np.float32


def test_observing_the_mirrored_world_is_mirroring_the_observation(observation: Observation, rows: Rows) -> None:
    here, there = rows.view(), rows.mirrored().view()
    np.testing.assert_allclose(observation.compute(there), observation.mirror(observation.compute(here)), atol=1e-6)


def test_bounds_are_symmetric_in_the_mirror(observation: Observation) -> None:
    ends = observation.mirror(np.stack([observation.low, observation.high]))
    np.testing.assert_allclose(ends.min(axis=0), observation.low)
    np.testing.assert_allclose(ends.max(axis=0), observation.high)


@pytest.mark.parametrize("heading_rad", [-2.5, 0.4])
def test_place_and_heading_change_only_the_line_deviation(
    observation: Observation, rows: Rows, heading_rad: float
) -> None:
    here = observation.compute(rows.view())
    there = observation.compute(rows.moved(heading_rad, (5.0, -0.5)).view())
    changed = ~np.isclose(here, there, rtol=0, atol=2e-6).all(axis=0)
    np.testing.assert_array_equal(changed, line_numbers(observation))


def test_walking_along_the_line_changes_nothing(observation: Observation, rows: Rows) -> None:
    here = observation.compute(rows.view())
    there = observation.compute(rows.moved(0.0, (100.0, 0.0)).view())
    np.testing.assert_allclose(here, there, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e300])
def test_values_stay_in_the_space(observation: Observation, rows: Rows, size: float) -> None:
    space = spaces.Box(observation.low, observation.high, dtype=np.float32)
    noise = np.random.default_rng(3).normal(0, size, rows.qpos.shape)
    wild = rows._replace(qpos=rows.qpos + noise, qvel=rows.qvel + noise[:, 1:])
    with np.errstate(all="ignore"):
        values = observation.compute(wild.view())
    assert all(value in space for value in values)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_state_has_a_finite_observation(observation: Observation, rows: Rows, bad: float) -> None:
    broken = rows._replace(qpos=np.full_like(rows.qpos, bad), qvel=np.full_like(rows.qvel, bad))
    with np.errstate(all="ignore"):
        values = observation.compute(broken.view())
    assert np.isfinite(values).all()


def test_saturation_stops_at_the_bound(walker: Walker, rows: Rows) -> None:
    fast = rows._replace(qvel=np.full_like(rows.qvel, 1e4))
    values = Observation([observations.JointVelocities()], walker).compute(fast.view())
    np.testing.assert_array_equal(values, np.float32(DIVERGED_RATE_RAD_S))


def test_the_velocity_command_is_the_references_speed(walker: Walker, rows: Rows) -> None:
    values = Observation([observations.VelocityCommand(enabled=True)], walker).compute(rows.view())
    np.testing.assert_array_equal(values, np.float32(rows.motion.speed_mps))


def test_the_phase_lies_on_the_circle_and_tells_where(walker: Walker, rows: Rows) -> None:
    sine, cosine = Observation([observations.Phase()], walker).compute(rows.view()).T
    np.testing.assert_allclose(np.arctan2(sine, cosine) / (2 * np.pi) % 1.0, rows.phase, atol=1e-6)


def test_every_number_has_unit_joint_and_bounds(observation: Observation, walker: Walker) -> None:
    for row in observation.rows:
        assert row.unit
        assert row.low < row.high
    assert {row.joint for row in observation.rows} == {"", "root", *walker.joint_names}


class Feet(ObservationTerm):
    """Heels and balls of the feet and the last action."""

    def rows(self, walker: Walker) -> list[Row]:
        feet = [Row(f"foot coordinate {k}", "m", "", -2, 2) for k in range(12)]
        return [*feet, *(Row("last action", "1", name, -1, 1) for name in walker.joint_names)]

    def compute(self, view: View) -> np.ndarray:
        return np.concatenate([view.state.feet_h, view.action], axis=1)

    def mirror(self, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
        # Sites stand right before left; the mirror changes the sign of y.
        feet = np.arange(12).reshape(4, 3)[[2, 3, 0, 1]].ravel()
        return np.append(feet, 12 + walker.mirror_index), np.append(np.tile([1, -1, 1], 4), walker.mirror_sign)


def test_the_feet_are_seen_right_after_a_reset_too(walker: Walker, reference: Any) -> None:
    config = MDPConfig(mirroring="none")
    batch = MimicBatch(walker, reference, config, 5)
    batch.observation = Observation([Feet()], walker)
    phase = np.linspace(0, 0.8, 5)
    seen = batch.reset(phase=phase)
    np.testing.assert_allclose(seen[:, :12], reference.at_phase(phase).feet_h, rtol=0, atol=2e-5)
    np.testing.assert_array_equal(seen[:, 12:], 0)


def test_the_last_action_is_seen_and_forgotten_by_a_reset(walker: Walker, reference: Any) -> None:
    batch = MimicBatch(walker, reference, MDPConfig(mirroring="none"), 2)
    batch.observation = Observation([Feet()], walker)
    batch.reset(phase=np.array([0.1, 0.2]))
    step = batch.step(np.full((2, 8), 0.25))
    np.testing.assert_array_equal(step.observation[:, 12:], np.float32(0.25))
    np.testing.assert_array_equal(batch.reset(np.array([1]))[:, 12:], 0)


def test_feet_and_action_have_a_mirror_image(walker: Walker, rows: Rows) -> None:
    action = np.random.default_rng(0).uniform(-1, 1, (len(rows.phase), 8))
    observation = Observation([Feet()], walker)
    here = observation.compute(rows.view(action))
    there = observation.compute(rows.mirrored().view(walker.mirror_joints(action)))
    np.testing.assert_allclose(there, observation.mirror(here), rtol=0, atol=1e-5)


def test_a_term_without_a_whole_mirror_image_is_refused(walker: Walker) -> None:
    class Lame(observations.RootTilt):
        """One sign too few."""

        signs = (1,)

    with pytest.raises(ValueError, match=r"^observation lame has 2 numbers, their mirror image 1 places and 1 signs$"):
        Observation([Lame()], walker)


def test_a_policy_that_sees_nothing_is_refused() -> None:
    off = {name: {"enabled": False} for name in type(MDPConfig().observations).model_fields}
    with pytest.raises(ValidationError, match="the policy sees nothing"):
        MDPConfig.model_validate({"observations": off})
