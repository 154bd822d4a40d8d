"""The gait cycle: means at 101 phases of a closed cycle, beside the reference."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mimicrl.evaluation.gait_cycle import GaitCycle
from mimicrl.motions import ReferenceTrajectory
from mimicrl.motions.gait.cycle import POINTS
from mimicrl.walkers import Walker

PHASE = np.linspace(0, 1, POINTS)
COLUMNS = ["joint", "phase", "mean_rad", "sd_rad", "reference_rad", "published_mean_rad", "published_sd_rad"]


@pytest.fixture(scope="module")
def replayed(walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
    """The table of a walker that is always where the reference is, three times around."""
    cycle = GaitCycle(len(walker.joint_names))
    for _ in range(3):
        for phase in PHASE[:-1]:
            cycle.add(np.array([phase]), reference.at_phase(np.array([phase])).joint_angles_rad)
    return cycle.table(walker, reference)


def of(table: pd.DataFrame, joint: str, column: str) -> np.ndarray:
    return table.loc[table["joint"] == joint, column].to_numpy()


def test_there_are_101_points_a_joint(replayed: pd.DataFrame, walker: Walker) -> None:
    assert list(replayed.columns) == COLUMNS
    assert replayed.groupby("joint", sort=False).size().to_dict() == dict.fromkeys(walker.joint_names, 101)
    for joint in walker.joint_names:
        np.testing.assert_array_equal(of(replayed, joint, "phase"), PHASE)


def test_the_cycle_is_closed(replayed: pd.DataFrame, walker: Walker) -> None:
    for joint in walker.joint_names:
        for column in ("mean_rad", "sd_rad"):
            values = of(replayed, joint, column)
            assert values[0] == values[-1]


def test_the_mean_of_a_replayed_reference_is_the_reference(replayed: pd.DataFrame) -> None:
    np.testing.assert_allclose(replayed["mean_rad"], replayed["reference_rad"], atol=1e-6)
    np.testing.assert_allclose(replayed["sd_rad"], 0.0, atol=1e-7)


def test_steps_between_the_points_count_for_the_nearest() -> None:
    cycle = GaitCycle(1)
    cycle.add(np.array([0.0049, 0.0051, 0.9949, 0.9951]), np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert {point: cycle._sum[point, 0] for point in np.flatnonzero(cycle._count)} == {0: 5.0, 1: 2.0, 99: 3.0}


def test_the_spread_is_the_standard_deviation(walker: Walker, reference: ReferenceTrajectory) -> None:
    values = np.random.default_rng(3).normal(0.3, 0.1, (50, 8))
    cycle = GaitCycle(8)
    cycle.add(np.full(50, 0.25), values)
    row = cycle.table(walker, reference).query("phase == 0.25")
    np.testing.assert_allclose(row["mean_rad"], values.mean(axis=0))
    np.testing.assert_allclose(row["sd_rad"], values.std(axis=0))


def test_phases_without_a_step_have_no_mean(walker: Walker, reference: ReferenceTrajectory) -> None:
    cycle = GaitCycle(8)
    cycle.add(np.array([0.5]), np.zeros((1, 8)))
    table = cycle.table(walker, reference)
    assert table["mean_rad"].notna().sum() == 8 and table["reference_rad"].notna().all()


def test_rows_that_are_not_finite_are_left_out() -> None:
    cycle = GaitCycle(2)
    cycle.add(np.array([0.5, 0.5]), np.array([[1.0, 1.0], [np.nan, 1.0]]))
    assert cycle._count[50] == 1 and cycle._sum[50].tolist() == [1.0, 1.0]


def test_watching_a_rollout_adds_the_rows_that_still_go(walker: Walker) -> None:
    angles = np.arange(24.0).reshape(3, 8)
    batch, state = SimpleNamespace(phase=np.array([0.1, 0.2, 0.3])), SimpleNamespace(joint_angles_rad=angles)
    cycle = GaitCycle(8)
    cycle.watch(batch, np.array([0, 2]), state)  # type: ignore[arg-type]
    assert {point: cycle._sum[point].tolist() for point in np.flatnonzero(cycle._count)} == {
        10: angles[0].tolist(),
        30: angles[2].tolist(),
    }
