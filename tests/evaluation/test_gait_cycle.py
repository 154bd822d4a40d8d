"""The gait cycle: means at 101 phases of a closed cycle, beside the reference and published walking."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mimicrl.evaluation.gait_cycle import POINTS, GaitCycle, heel_strike
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
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


def test_published_walking_of_both_legs_is_the_same_half_a_cycle_apart(replayed: pd.DataFrame, walker: Walker) -> None:
    for joint in (name for name in walker.joint_names if name.endswith("_r")):
        for column in ("published_mean_rad", "published_sd_rad"):
            right, left = (of(replayed, f"{joint[:-2]}{side}", column) for side in ("_r", "_l"))
            np.testing.assert_allclose(np.roll(right[:-1], 50), left[:-1], atol=1e-12)


def test_published_sagittal_walking_is_what_the_generated_reference_follows(replayed: pd.DataFrame) -> None:
    for joint in ("hip_flexion_r", "knee_flexion_r", "ankle_dorsiflexion_l"):
        np.testing.assert_allclose(
            of(replayed, joint, "published_mean_rad"), of(replayed, joint, "reference_rad"), atol=1e-3
        )
        assert (of(replayed, joint, "published_sd_rad") > 0).all()


def rolled(clip: MotionClip, share: float) -> MotionClip:
    """The clip that starts a share of the cycle later."""
    frames = len(clip.times_s) - 1
    first = round(share * frames)
    stride = clip.root_position_w[-1] - clip.root_position_w[0]
    order = np.arange(first, first + frames + 1)
    position = clip.root_position_w[order % frames] + (order // frames)[:, None] * (stride * [1, 0, 0])
    angles, quat = clip.joint_angles_rad[order % frames], clip.root_quat_w[order % frames]
    position = position - position[0] * [1, 0, 0]
    return MotionClip("rolled", clip.times_s, position, quat, clip.joint_names, angles, "wrap")


@pytest.mark.parametrize("speed_mps", [0.84, 1.25, 1.95])
def test_the_generated_gait_starts_at_right_heel_strike(walker: Walker, speed_mps: float) -> None:
    assert heel_strike(walker, ReferenceTrajectory(gait.generate(walker, speed_mps), walker)) == 0


# The right heel of a clip that starts 30 % of the cycle later strikes 30 % before its end.
@pytest.mark.parametrize(("share", "strike"), [(0.0, 0.0), (0.1, 0.9), (0.3, 0.7), (0.5, 0.5), (0.7, 0.3)])
def test_heel_strike_is_found_wherever_the_clip_starts(
    walker: Walker, clip: MotionClip, share: float, strike: float
) -> None:
    assert heel_strike(walker, ReferenceTrajectory(rolled(clip, share), walker)) == pytest.approx(strike, abs=0.01)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_published_walking_is_aligned_with_a_reference_that_starts_elsewhere(
    walker: Walker, clip: MotionClip, reference: ReferenceTrajectory, share: float
) -> None:
    def misfit(trajectory: ReferenceTrajectory) -> dict[str, float]:
        table = GaitCycle(8).table(walker, trajectory)
        table["square"] = (table["published_mean_rad"] - table["reference_rad"])[table["phase"] < 1] ** 2
        return np.sqrt(table.groupby("joint")["square"].mean()).to_dict()

    shifted = misfit(ReferenceTrajectory(rolled(clip, share), walker))
    assert shifted == pytest.approx(misfit(reference), abs=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_speeds_that_nobody_published_have_no_published_columns(
    walker: Walker, clip: MotionClip, factor: float
) -> None:
    position = clip.root_position_w.copy()
    position[:, 0] *= factor
    other = MotionClip("x", clip.times_s, position, clip.root_quat_w, clip.joint_names, clip.joint_angles_rad, "wrap")
    reference = ReferenceTrajectory(other, walker)
    low, high = gait.SPEED_RANGE_MPS
    assert not low <= reference.speed_mps <= high
    table = GaitCycle(8).table(walker, reference)
    assert table[["published_mean_rad", "published_sd_rad"]].isna().all().all()
    assert heel_strike(walker, reference) == 0, "there is nothing to compare with"
