"""Actions become the controls they name, and a broken one ends its own row only."""

from __future__ import annotations

import numpy as np
import pytest

from mimicrl.config import MimicConfig
from mimicrl.mimic import actions
from mimicrl.mimic.batch import MimicBatch
from mimicrl.mimic.terminations import Reason
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

KINDS = ("residual", "absolute", "torque")
POSE = np.random.default_rng(0).uniform(-0.2, 0.4, (6, 8))


def config_of(kind: str) -> MimicConfig:
    return MimicConfig(action=kind, action_scale_rad=0.4, mirroring="none")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "actuation"), [("residual", "position"), ("absolute", "position"), ("torque", "torque")]
)
def test_each_kind_of_action_needs_its_actuators(kind: str, actuation: str) -> None:
    assert actions.actuation(config_of(kind)) == actuation


def test_no_residual_targets_the_reference(walker: Walker) -> None:
    control = actions.action_function(config_of("residual"), walker)
    np.testing.assert_array_equal(control(np.zeros((6, 8)), POSE), POSE)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_full_residual_moves_the_target_by_the_scale(walker: Walker, sign: int) -> None:
    control = actions.action_function(config_of("residual"), walker)
    np.testing.assert_allclose(control(np.full((6, 8), float(sign)), POSE) - POSE, sign * 0.4, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("sign", "end"), [(-1, 0), (1, 1)])
def test_absolute_actions_reach_the_ends_of_the_range(walker: Walker, sign: int, end: int) -> None:
    control = actions.action_function(config_of("absolute"), walker)
    got = control(np.full((6, 8), float(sign)), POSE)
    np.testing.assert_allclose(got, np.tile(walker.joint_range_rad[:, end], (6, 1)), rtol=0, atol=1e-14)


@pytest.mark.parametrize("share", [-1.0, -0.3, 0.0, 1.0])
def test_torque_actions_are_shares_of_the_limit(torque_walker: Walker, share: float) -> None:
    control = actions.action_function(config_of("torque"), torque_walker)
    got = control(np.full((6, 8), share), POSE)
    np.testing.assert_array_equal(got, np.tile(share * torque_walker.torque_limit_nm, (6, 1)))


@pytest.mark.parametrize("kind", KINDS)
def test_each_action_moves_its_own_joint(walker: Walker, torque_walker: Walker, kind: str) -> None:
    control = actions.action_function(config_of(kind), torque_walker if kind == "torque" else walker)
    moved = control(np.eye(8), np.zeros((8, 8))) - control(np.zeros((8, 8)), np.zeros((8, 8)))
    assert (np.diag(moved) > 0).all()
    np.testing.assert_array_equal(moved, np.diag(np.diag(moved)))


@pytest.mark.parametrize("kind", KINDS)
def test_actions_are_clipped_to_1(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, kind: str
) -> None:
    batch = MimicBatch(torque_walker if kind == "torque" else walker, reference, config_of(kind), 2)
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
        batch = MimicBatch(walker, reference, config_of("residual"), 3)
        batch.reset(phase=np.array([0.1, 0.4, 0.8]))
        action = np.full((3, 8), 0.1)
        action[1] = 0.0
        action[1, 5] = value
        steps.append(batch.step(action))
    broken, healthy = steps
    assert broken.reason.tolist() == [Reason.RUNNING, Reason.DIVERGED, Reason.RUNNING]
    assert broken.terminated.tolist() == [False, True, False]
    assert healthy.reason.tolist() == [Reason.RUNNING] * 3
    np.testing.assert_array_equal(broken.observation, healthy.observation)
    np.testing.assert_array_equal(broken.reward, healthy.reward)


@pytest.mark.parametrize(("kind", "unit"), [("residual", "rad"), ("absolute", "rad"), ("torque", "Nm")])
def test_the_table_lists_every_action_with_unit_and_joint(walker: Walker, kind: str, unit: str) -> None:
    _, _, *lines = actions.table(config_of(kind), walker).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in cells] == [str(number) for number in range(8)]
    assert [row[3] for row in cells] == list(walker.joint_names)
    assert {(row[2], row[4], row[5]) for row in cells} == {(unit, "-1", "1")}
    assert ("0.4 rad" in lines[0]) == (kind == "residual")
