"""PHASE mirroring: a policy cannot tell a state from its mirror image half a cycle later, and acts the same there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimicrl.mdp import mirroring
from mimicrl.mdp.actions import Absolute, Residual, Torque
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.observations import Observation
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terms import ActionTerm
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

STEPS = 5


def test_the_second_half_starts_with_the_left_heel_strike() -> None:
    phase = np.array([0.0, 0.25, np.nextafter(0.5, 0), 0.5, 0.75, np.nextafter(1, 0)])
    assert mirroring.second_half(phase).tolist() == [False] * 3 + [True] * 3


def test_only_the_given_rows_are_mirrored(walker: Walker, rows: Any) -> None:
    observation = Observation(MDPConfig().observations.all(), walker)
    values, second = observation.compute(rows.view()), mirroring.second_half(rows.phase)
    got = mirroring.mirror_observations(observation, values, second)
    np.testing.assert_array_equal(got[~second], values[~second])
    np.testing.assert_array_equal(got[second], observation.mirror(values)[second])
    action = np.random.default_rng(0).uniform(-1, 1, (len(second), 8))
    got = mirroring.mirror_actions(Residual(), action, walker, second)
    np.testing.assert_array_equal(got[~second], action[~second])
    np.testing.assert_array_equal(got[second], walker.mirror_joints(action)[second])


def test_mirroring_actions_twice_changes_nothing(walker: Walker) -> None:
    action, rows = np.random.default_rng(0).uniform(-1, 1, (9, 8)), np.arange(9) % 2 == 0
    once = mirroring.mirror_actions(Residual(), action, walker, rows)
    twice = mirroring.mirror_actions(Residual(), once, walker, rows)
    np.testing.assert_array_equal(twice, action)


def test_the_policy_always_sees_the_first_half(walker: Walker, reference: ReferenceTrajectory) -> None:
    batch = MimicBatch(walker, reference, MDPConfig(), 50)
    assert batch.observation.rows[0].meaning == "sine of the phase"
    sine = batch.reset()[:, 0]
    assert (sine >= -1e-6).all()
    assert mirroring.second_half(batch.phase).any()


# The reference is tabulated every millisecond, so its two halves are mirror images to about 1e-4 rad/s.
@pytest.mark.parametrize(("action", "atol"), [(Residual(), 1e-3), (Absolute(), 1e-5), (Torque(), 1e-5)])
def test_a_walk_and_its_mirror_image_half_a_cycle_later_look_the_same(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, rows: Any, action: ActionTerm, atol: float
) -> None:
    body = torque_walker if action.actuation == "torque" else walker
    config = MDPConfig(action=action, control_hz=100)
    here = rows._replace(walker=body)
    batches = []
    for start in (here, here.mirrored()):
        batch = MimicBatch(body, reference, config, len(start.phase), training=False)
        batch.reset(phase=start.phase)
        batch.simulation.reset(np.arange(batch.count), start.qpos, start.qvel)
        batches.append(batch)
    left, right = batches
    rng = np.random.default_rng(4)
    for _ in range(STEPS):
        actions = rng.uniform(-0.5, 0.5, (len(here.phase), 8))
        one, other = left.step(actions), right.step(actions)
        np.testing.assert_array_equal(mirroring.second_half(left.phase), ~mirroring.second_half(right.phase))
        np.testing.assert_allclose(one.observation, other.observation, rtol=1e-5, atol=atol)
        np.testing.assert_allclose(one.reward, other.reward, rtol=0, atol=atol)
        np.testing.assert_array_equal(one.reason, other.reason)
    image = here._replace(phase=left.phase, qpos=left.simulation.qpos, qvel=left.simulation.qvel).mirrored()
    np.testing.assert_allclose(right.simulation.qpos, image.qpos, rtol=0, atol=atol)
    np.testing.assert_allclose(right.simulation.qvel, image.qvel, rtol=1e-5, atol=atol)


def test_without_mirroring_the_two_look_different(walker: Walker, reference: ReferenceTrajectory) -> None:
    for name, same in (("phase", True), ("none", False)):
        batch = MimicBatch(walker, reference, MDPConfig(mirroring=name), 2)  # type: ignore[arg-type]
        one, other = batch.reset(phase=np.array([0.2, 0.7]))
        assert np.allclose(one, other, rtol=0, atol=1e-3) == same
