"""Observations: symmetric in the mirror, blind to place and heading, bounded, finite, and documented."""

from __future__ import annotations

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
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


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


@pytest.fixture(scope="module")
def observation(walker: Walker) -> Observation:
    """All terms there are, and one of a test's own."""
    return Observation([*MDPConfig().observations.all(), Feet()], walker)


def test_terms_keep_their_order(walker: Walker, rows: Rows) -> None:
    terms = [observations.JointVelocities(), observations.Phase(), observations.RootHeight()]
    together = Observation(terms, walker).compute(rows.view())
    alone = [Observation([term], walker).compute(rows.view()) for term in terms]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


def test_observing_the_mirrored_world_is_mirroring_the_observation(observation: Observation, rows: Rows) -> None:
    action = np.random.default_rng(0).uniform(-1, 1, (len(rows.phase), 8))
    here = observation.compute(rows.view(action))
    there = observation.compute(rows.mirrored().view(rows.walker.mirror_joints(action)))
    np.testing.assert_allclose(there, observation.mirror(here), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(observation.mirror(observation.mirror(here)), here)
    assert observation.mirror(here).dtype == np.float32


def test_bounds_are_symmetric_in_the_mirror(observation: Observation) -> None:
    ends = observation.mirror(np.stack([observation.low, observation.high]))
    np.testing.assert_allclose(ends.min(axis=0), observation.low)
    np.testing.assert_allclose(ends.max(axis=0), observation.high)


@pytest.mark.parametrize(
    ("heading_rad", "to_m", "changes"),
    [(-2.5, (5.0, -0.5), True), (0.4, (5.0, -0.5), True), (0.0, (100.0, 0.0), False)],
)
def test_place_and_heading_change_only_the_deviation_from_the_line(
    observation: Observation, rows: Rows, heading_rad: float, to_m: tuple[float, float], changes: bool
) -> None:
    here, there = observation.compute(rows.view()), observation.compute(rows.moved(heading_rad, to_m).view())
    changed = ~np.isclose(here, there, rtol=0, atol=2e-6).all(axis=0)
    np.testing.assert_array_equal(changed, [changes and "of the line" in row.meaning for row in observation.rows])


@pytest.mark.parametrize("size", [1.0, 1e3, 1e300, np.inf, np.nan])
def test_whatever_the_state_the_values_are_in_the_space(observation: Observation, rows: Rows, size: float) -> None:
    space = spaces.Box(observation.low, observation.high, dtype=np.float32)
    noise = size * np.random.default_rng(3).normal(0, 1, rows.qpos.shape)
    wild = rows._replace(qpos=rows.qpos + noise, qvel=rows.qvel + noise[:, 1:])
    with np.errstate(all="ignore"):
        values = observation.compute(wild.view())
    assert values.shape == (len(rows.phase), len(observation.rows))
    assert all(value in space for value in values)


def test_numbers_are_what_they_are_called(walker: Walker, rows: Rows) -> None:
    def seen(term: ObservationTerm, of: Rows = rows) -> np.ndarray:
        return Observation([term], walker).compute(of.view())

    sine, cosine = seen(observations.Phase()).T
    np.testing.assert_allclose(np.arctan2(sine, cosine) / (2 * np.pi) % 1.0, rows.phase, atol=1e-6)
    np.testing.assert_array_equal(seen(observations.VelocityCommand()), np.float32(rows.motion.speed_mps))
    fast = rows._replace(qvel=np.full_like(rows.qvel, 1e4))
    np.testing.assert_array_equal(seen(observations.JointVelocities(), fast), np.float32(DIVERGED_RATE_RAD_S))


def test_every_number_has_unit_joint_and_bounds(observation: Observation, walker: Walker) -> None:
    for row in observation.rows:
        assert row.unit
        assert row.low < row.high
    assert {row.joint for row in observation.rows} == {"", "root", *walker.joint_names}


def test_feet_are_seen_right_after_a_reset_and_the_last_action_until_then(
    walker: Walker, reference: ReferenceTrajectory
) -> None:
    batch = MimicBatch(walker, reference, MDPConfig(mirroring="none"), 5)
    batch.observation = Observation([Feet()], walker)
    phase = np.linspace(0, 0.8, 5)
    seen = batch.reset(phase=phase)
    np.testing.assert_allclose(seen[:, :12], reference.at_phase(phase).feet_h, rtol=0, atol=2e-5)
    np.testing.assert_array_equal(seen[:, 12:], 0)
    np.testing.assert_array_equal(batch.step(np.full((5, 8), 0.25)).observation[:, 12:], np.float32(0.25))
    np.testing.assert_array_equal(batch.reset(np.array([1]))[:, 12:], 0)


def test_a_policy_that_sees_nothing_is_refused() -> None:
    off = {name: {"enabled": False} for name in type(MDPConfig().observations).model_fields}
    with pytest.raises(ValidationError, match="the policy sees nothing"):
        MDPConfig.model_validate({"observations": off})
