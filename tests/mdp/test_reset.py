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


def batch_of(walker: Walker, reference: ReferenceTrajectory, count: int) -> MimicBatch:
    return MimicBatch(walker, reference, MDPConfig(), count)


# In a row of the reference exactly; between its rows, 1 ms apart, the height is interpolated.
@pytest.mark.parametrize(("exact", "atol"), [(True, 1e-9), (False, 1e-6)])
def test_starts_touch_the_floor(walker: Walker, reference: ReferenceTrajectory, exact: bool, atol: float) -> None:
    rows = round(reference.duration_s * 1000)
    qpos, _ = reference_state(walker, reference.at_phase(np.arange(0, rows, 7) / rows if exact else PHASES))
    np.testing.assert_allclose(walker.foot_kinematics(qpos)[1].min(axis=1), 0, atol=atol)


def test_starts_are_the_reference_but_for_place_and_height(walker: Walker, reference: ReferenceTrajectory) -> None:
    qpos, qvel = reference_state(walker, reference.at_phase(PHASES))
    frame = reference.at_phase(PHASES)
    assert (qpos[:, 0] == 0).all()
    np.testing.assert_array_equal(qpos[:, 1], frame.root_position_w[:, 1])
    np.testing.assert_allclose(qpos[:, 2], frame.root_position_w[:, 2], rtol=0, atol=0.02)
    np.testing.assert_array_equal(qpos[:, 3:7], frame.root_quat_w)
    np.testing.assert_array_equal(qpos[:, walker.qpos_index], frame.joint_angles_rad)
    np.testing.assert_array_equal(qvel[:, :3], frame.root_velocity_w)
    np.testing.assert_array_equal(qvel[:, 3:6], frame.root_angular_velocity_b)
    np.testing.assert_array_equal(qvel[:, walker.qvel_index], frame.joint_velocities)


def test_starting_leaves_the_reference_as_it_was(walker: Walker, reference: ReferenceTrajectory) -> None:
    before = reference.at_phase(PHASES)
    qpos, qvel = reference_state(walker, reference.at_phase(PHASES))
    qpos[:], qvel[:] = np.nan, np.nan
    batch_of(walker, reference, 4).reset()
    for old, new in zip(before, reference.at_phase(PHASES), strict=True):
        np.testing.assert_array_equal(old, new)


def test_phases_are_uniform_over_the_cycle() -> None:
    generator = seeding.generator(7)
    phases = np.array([draw_phase(generator) for _ in range(2000)])
    assert phases.min() >= 0
    assert phases.max() < 1
    assert stats.kstest(phases, "uniform").pvalue > 0.01


def test_a_reset_draws_one_number_but_for_a_given_phase(walker: Walker, reference: ReferenceTrajectory) -> None:
    batch, twin = batch_of(walker, reference, 2), seeding.generator(11)
    batch.seed([11, 12])
    for _ in range(3):
        batch.reset()
        assert batch.phase[0] == twin.random()
        batch.reset(phase=np.array([0.3, 0.4]))
        assert batch.phase.tolist() == [0.3, 0.4]


def test_seeds_reproduce_starts(walker: Walker, reference: ReferenceTrajectory) -> None:
    batch = batch_of(walker, reference, 5)
    batch.seed([3, 1, 4, 1, 5])
    first = batch.reset()
    batch.seed([3, 1, 4, 1, 5])
    np.testing.assert_array_equal(batch.reset(), first)
    np.testing.assert_array_equal(first[1], first[3])
    assert len({row.tobytes() for row in first}) == 4
    assert not np.array_equal(batch.reset(), first)


@pytest.mark.parametrize("order", [[[0, 1, 2], [0], [1, 2]], [[0], [0, 1, 2], [1], [2]], [[2], [1], [0], [0, 1, 2]]])
def test_environments_draw_independently_of_one_another(
    walker: Walker, reference: ReferenceTrajectory, order: list[list[int]]
) -> None:
    batch = batch_of(walker, reference, 3)
    batch.seed([5, 6, 7])
    for ids in order:
        batch.reset(np.array(ids))
    second = [seeding.generator(seed).random(2)[1] for seed in (5, 6, 7)]
    np.testing.assert_array_equal(batch.phase, second)
