"""Actions become the controls they name, and a broken one ends its own row only."""

from __future__ import annotations

import numpy as np
import pytest

from mimicrl.mdp.actions import Absolute, Residual, Torque
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED, RUNNING
from mimicrl.mdp.terms import ActionTerm
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

KINDS: tuple[ActionTerm, ...] = (Residual(scale_rad=0.4), Absolute(), Torque())
each_kind = pytest.mark.parametrize("term", KINDS, ids=lambda term: term.name())


@each_kind
def test_a_kind_is_chosen_by_its_name_and_documented(term: ActionTerm) -> None:
    assert MDPConfig.model_validate({"action": {"kind": term.name()}}).action == type(term)()
    assert MDPConfig.model_validate({"action": term.model_dump()}).action == term
    assert ("0.4 rad" in term.meaning()) == isinstance(term, Residual)
    assert term.unit in ("rad", "Nm")


@each_kind
def test_each_action_becomes_the_control_of_its_own_joint(
    torque_walker: Walker, reference: ReferenceTrajectory, term: ActionTerm
) -> None:
    rng = np.random.default_rng(0)
    pose, action = rng.uniform(-0.2, 0.4, (6, 8)), rng.uniform(-1, 1, (6, 8))
    frame = reference.at_phase(np.zeros(6))._replace(joint_angles_rad=pose)
    low, high = torque_walker.joint_range_rad.T
    expected = {
        "residual": pose + 0.4 * action,
        "absolute": low + (action + 1) / 2 * (high - low),
        "torque": action * torque_walker.torque_limit_nm,
    }
    got = term.controls(action, torque_walker, frame)
    np.testing.assert_allclose(got, expected[term.name()], rtol=0, atol=1e-13)


@each_kind
def test_actions_are_clipped_to_1(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, term: ActionTerm
) -> None:
    body = torque_walker if term.actuation == "torque" else walker
    batch = MimicBatch(body, reference, MDPConfig(action=term), 2)
    batch.reset(phase=np.array([0.2, 0.2]))
    step = batch.step(np.array([[1.0, -1.0] * 4, [7.0, -1e9] * 4]))
    np.testing.assert_array_equal(batch.simulation.ctrl[0], batch.simulation.ctrl[1])
    np.testing.assert_array_equal(step.observation[0], step.observation[1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_broken_action_ends_its_row_as_diverged_and_no_other(
    walker: Walker, reference: ReferenceTrajectory, bad: float
) -> None:
    steps = []
    for value in (bad, 0.0):
        batch = MimicBatch(walker, reference, MDPConfig(), 3)
        batch.reset(phase=np.array([0.1, 0.4, 0.8]))
        action = np.full((3, 8), 0.1)
        action[1] = 0.0
        action[1, 5] = value
        steps.append(batch.step(action))
    broken, healthy = steps
    assert broken.reason.tolist() == [RUNNING, DIVERGED, RUNNING]
    assert broken.terminated.tolist() == [False, True, False]
    assert healthy.reason.tolist() == [RUNNING] * 3
    np.testing.assert_array_equal(broken.observation, healthy.observation)
    np.testing.assert_array_equal(broken.reward, healthy.reward)
