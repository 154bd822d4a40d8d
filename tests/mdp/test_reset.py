"""Episodes start on the reference, on the floor, anywhere in the cycle, each from its own random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from mimicrl import seeding
from mimicrl.config import MDPConfig
from mimicrl.mdp.reset import draw_phase, reference_state
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

PHASES = np.random.default_rng(0).random(100)


# In a row of the reference exactly; between its rows, 1 ms apart, the height is interpolated.
@pytest.mark.parametrize(("exact", "atol"), [(True, 1e-9), (False, 1e-6)])
def test_starts_touch_the_floor(walker: Walker, reference: ReferenceTrajectory, exact: bool, atol: float) -> None:
    rows = round(reference.duration_s * 1000)
    qpos, _ = reference_state(walker, reference.at_phase(np.arange(0, rows, 7) / rows if exact else PHASES))
    np.testing.assert_allclose(walker.foot_kinematics(qpos)[1].min(axis=1), 0, atol=atol)


def test_starts_are_the_reference_but_for_place_and_height(walker: Walker, reference: ReferenceTrajectory) -> None:
    frame = reference.at_phase(PHASES)
    qpos, qvel = reference_state(walker, frame)
    np.testing.assert_allclose(qpos[:, 2], frame.root_position_w[:, 2], rtol=0, atol=0.02)
    for got, expected in (
        (qpos[:, 0], np.zeros(100)),
        (qpos[:, 1], frame.root_position_w[:, 1]),
        (qpos[:, 3:7], frame.root_quat_w),
        (qpos[:, walker.qpos_index], frame.joint_angles_rad),
        (qvel[:, :3], frame.root_velocity_w),
        (qvel[:, 3:6], frame.root_angular_velocity_b),
        (qvel[:, walker.qvel_index], frame.joint_velocities),
    ):
        np.testing.assert_array_equal(got, expected)


def test_starting_leaves_the_reference_as_it_was(walker: Walker, reference: ReferenceTrajectory) -> None:
    before = reference.at_phase(PHASES)
    qpos, qvel = reference_state(walker, reference.at_phase(PHASES))
    qpos[:], qvel[:] = np.nan, np.nan
    for old, new in zip(before, reference.at_phase(PHASES), strict=True):
        np.testing.assert_array_equal(old, new)


def test_phases_are_uniform_over_the_cycle() -> None:
    generator = seeding.generator(7)
    phases = np.array([draw_phase(generator) for _ in range(2000)])
    assert phases.min() >= 0
    assert phases.max() < 1
    assert stats.kstest(phases, "uniform").pvalue > 0.01


@pytest.mark.parametrize("order", [[[0, 1, 2], [0], [1, 2]], [[0], [0, 1, 2], [1], [2]], [[2], [1], [0], [0, 1, 2]]])
def test_each_environment_draws_one_number_of_its_own_unless_the_phase_is_given(
    walker: Walker, reference: ReferenceTrajectory, order: list[list[int]]
) -> None:
    batch, given = MimicBatch(walker, reference, MDPConfig(), 3), np.array([0.3, 0.4, 0.5])
    batch.seed([5, 6, 7])
    drawn = given.copy()
    for ids in order:
        batch.reset(phase=given)
        np.testing.assert_array_equal(batch.phase, given)
        batch.reset(np.array(ids))
        drawn[ids] = batch.phase[ids]
    np.testing.assert_array_equal(drawn, [seeding.generator(seed).random(2)[1] for seed in (5, 6, 7)])
