"""A reference over the gait cycle: aligned with published walking at its right heel strike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.motions.gait.cycle import POINTS, cycle_table, heel_strike
from mimicrl.walkers import Walker

PUBLISHED = ["published_mean_rad", "published_sd_rad"]


@pytest.fixture(scope="module")
def table(walker: Walker, reference: ReferenceTrajectory) -> pd.DataFrame:
    return cycle_table(walker, reference)


def of(table: pd.DataFrame, joint: str, column: str) -> np.ndarray:
    return table.loc[table["joint"] == joint, column].to_numpy(float)


def test_there_are_101_points_for_each_joint_of_the_reference(
    table: pd.DataFrame, walker: Walker, reference: ReferenceTrajectory
) -> None:
    assert list(table.columns) == ["joint", "phase", "reference_rad", *PUBLISHED]
    assert list(table["joint"].drop_duplicates()) == list(walker.joint_names)
    phase = np.linspace(0, 1, POINTS)
    for joint, angles in zip(walker.joint_names, reference.at_phase(phase).joint_angles_rad.T, strict=True):
        np.testing.assert_array_equal(of(table, joint, "phase"), phase)
        np.testing.assert_array_equal(of(table, joint, "reference_rad"), angles)


def test_published_walking_of_both_legs_is_the_same_half_a_cycle_apart(table: pd.DataFrame, walker: Walker) -> None:
    for joint in (name for name in walker.joint_names if name.endswith("_r")):
        for column in PUBLISHED:
            right, left = (of(table, f"{joint[:-2]}{side}", column) for side in ("_r", "_l"))
            np.testing.assert_allclose(np.roll(right[:-1], 50), left[:-1], atol=1e-12)


def test_published_sagittal_walking_is_what_the_generated_reference_follows(table: pd.DataFrame) -> None:
    for joint in ("hip_flexion_r", "knee_flexion_r", "ankle_dorsiflexion_l"):
        published, reference = of(table, joint, "published_mean_rad"), of(table, joint, "reference_rad")
        np.testing.assert_allclose(published, reference, atol=1e-3)
        assert (of(table, joint, "published_sd_rad") > 0).all()


def rolled(clip: MotionClip, share: float) -> MotionClip:
    """The clip that starts a share of the cycle later."""
    frames = len(clip.times_s) - 1
    order = np.arange(frames + 1) + round(share * frames)
    stride = clip.root_position_w[-1] - clip.root_position_w[0]
    position = clip.root_position_w[order % frames] + (order // frames)[:, None] * (stride * [1, 0, 0])
    return dataclasses.replace(
        clip,
        root_position_w=position - position[0] * [1, 0, 0],
        root_quat_w=clip.root_quat_w[order % frames],
        joint_angles_rad=clip.joint_angles_rad[order % frames],
    )


@pytest.mark.parametrize("speed_mps", [0.84, 1.25, 1.95])
def test_the_generated_gait_starts_at_right_heel_strike(walker: Walker, speed_mps: float) -> None:
    assert heel_strike(walker, ReferenceTrajectory(gait.generate(walker, speed_mps), walker)) == 0


# The right heel of a clip that starts 30 % of the cycle later strikes 30 % before its end.
@pytest.mark.parametrize(("share", "strike"), [(0.1, 0.9), (0.3, 0.7), (0.5, 0.5), (0.7, 0.3)])
def test_published_walking_is_aligned_wherever_the_clip_starts(
    walker: Walker, clip: MotionClip, table: pd.DataFrame, share: float, strike: float
) -> None:
    def misfit(table: pd.DataFrame) -> list[float]:
        pairs = (
            (of(table, joint, "published_mean_rad"), of(table, joint, "reference_rad")) for joint in clip.joint_names
        )
        return [float(np.std((published - angles)[:-1])) for published, angles in pairs]

    shifted = ReferenceTrajectory(rolled(clip, share), walker)
    assert heel_strike(walker, shifted) == pytest.approx(strike, abs=0.01)
    np.testing.assert_allclose(misfit(cycle_table(walker, shifted)), misfit(table), rtol=0, atol=1e-4)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_speeds_that_nobody_published_have_no_published_columns(
    walker: Walker, clip: MotionClip, factor: float
) -> None:
    other = dataclasses.replace(clip, root_position_w=clip.root_position_w * [factor, 1, 1])
    reference = ReferenceTrajectory(other, walker)
    assert cycle_table(walker, reference)[PUBLISHED].isna().to_numpy().all()
    assert heel_strike(walker, reference) == 0, "there is nothing to compare with"
