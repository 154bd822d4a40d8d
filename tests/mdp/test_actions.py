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
from mimicrl.motions.reference import ReferenceFrame
from mimicrl.walkers import Walker

KINDS: tuple[ActionTerm, ...] = (Residual(scale_rad=0.4), Absolute(), Torque())
each_kind = pytest.mark.parametrize("term", KINDS, ids=lambda term: term.name())
POSE = np.random.default_rng(0).uniform(-0.2, 0.4, (6, 8))


@pytest.fixture(scope="module")
def frame(reference: ReferenceTrajectory) -> ReferenceFrame:
    """A reference frame of six rows whose joints are at `POSE`."""
    return reference.at_phase(np.zeros(6))._replace(joint_angles_rad=POSE)


def config_of(term: ActionTerm) -> MDPConfig:
    return MDPConfig(action=term, mirroring="none")


@each_kind
def test_a_kind_is_chosen_by_its_name(term: ActionTerm) -> None:
    assert term.model_dump()["kind"] == term.name()
    assert MDPConfig.model_validate({"action": term.model_dump()}).action == term


@pytest.mark.parametrize("share", [-1.0, -0.3, 0.0, 1.0])
def test_actions_become_the_controls_they_name(torque_walker: Walker, frame: ReferenceFrame, share: float) -> None:
    low, high = torque_walker.joint_range_rad.T
    expected = {
        "residual": POSE + 0.4 * share,
        "absolute": np.tile(low + (share + 1) / 2 * (high - low), (6, 1)),
        "torque": np.tile(share * torque_walker.torque_limit_nm, (6, 1)),
    }
    for term in KINDS:
        got = term.controls(np.full((6, 8), share), torque_walker, frame)
        np.testing.assert_allclose(got, expected[term.name()], rtol=0, atol=1e-14)


@each_kind
def test_each_action_moves_its_own_joint(walker: Walker, reference: ReferenceTrajectory, term: ActionTerm) -> None:
    frame = reference.at_phase(np.zeros(8))
    moved = term.controls(np.eye(8), walker, frame) - term.controls(np.zeros((8, 8)), walker, frame)
    assert (np.diag(moved) > 0).all()
    np.testing.assert_allclose(moved, np.diag(np.diag(moved)), rtol=0, atol=1e-15)


@each_kind
def test_mirroring_an_action_twice_changes_nothing(walker: Walker, term: ActionTerm) -> None:
    np.testing.assert_array_equal(term.mirror(term.mirror(POSE, walker), walker), POSE)


@each_kind
def test_actions_are_clipped_to_1(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, term: ActionTerm
) -> None:
    batch = MimicBatch(torque_walker if term.actuation == "torque" else walker, reference, config_of(term), 2)
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
        batch = MimicBatch(walker, reference, config_of(Residual()), 3)
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


@each_kind
def test_every_kind_is_documented(term: ActionTerm) -> None:
    assert term.meaning()
    assert term.unit in ("rad", "Nm")
    assert ("0.4 rad" in term.meaning()) == isinstance(term, Residual)
