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


def test_there_are_101_points_a_joint_of_a_closed_cycle(replayed: pd.DataFrame, walker: Walker) -> None:
    assert list(replayed.columns) == COLUMNS
    for name, (joint, table) in zip(walker.joint_names, replayed.groupby("joint", sort=False), strict=True):
        assert joint == name
        np.testing.assert_array_equal(table["phase"], PHASE)
        for column in ("mean_rad", "sd_rad"):
            assert table[column].iloc[0] == table[column].iloc[-1]


def test_the_mean_of_a_replayed_reference_is_the_reference(replayed: pd.DataFrame) -> None:
    np.testing.assert_allclose(replayed["mean_rad"], replayed["reference_rad"], atol=1e-6)
    np.testing.assert_allclose(replayed["sd_rad"], 0.0, atol=1e-7)


def test_the_spread_is_the_standard_deviation(walker: Walker, reference: ReferenceTrajectory) -> None:
    values = np.random.default_rng(3).normal(0.3, 0.1, (50, 8))
    cycle = GaitCycle(8)
    cycle.add(np.full(50, 0.25), values)
    row = cycle.table(walker, reference).query("phase == 0.25")
    np.testing.assert_allclose(row["mean_rad"], values.mean(axis=0))
    np.testing.assert_allclose(row["sd_rad"], values.std(axis=0))


def test_phases_without_a_step_have_no_mean(walker: Walker, reference: ReferenceTrajectory) -> None:
    table = GaitCycle(8).table(walker, reference)
    assert np.isnan(table["mean_rad"].to_numpy()).all()
    assert np.isfinite(table["reference_rad"].to_numpy()).all()


def test_finite_steps_of_the_running_rows_count_for_the_nearest_point() -> None:
    cycle, nan = GaitCycle(1), np.nan
    batch = SimpleNamespace(phase=np.array([0.0049, 0.0051, 0.9949, 0.9951, 0.5, 0.3]))
    state = SimpleNamespace(joint_angles_rad=np.array([[1.0], [2.0], [3.0], [4.0], [nan], [6.0]]))
    cycle.watch(batch, np.arange(5), state)  # type: ignore[arg-type]
    assert {point: cycle._sum[point, 0] for point in np.flatnonzero(cycle._count)} == {0: 5.0, 1: 2.0, 99: 3.0}
