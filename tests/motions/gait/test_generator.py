"""The generated walk: published angles and times, exact speed and symmetry, feet that stand on the floor."""

from __future__ import annotations

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip, gait
from mimicrl.motions.gait.generator import FRAMES_PER_CYCLE
from mimicrl.motions.gait.published import leg_angles, published_spread
from mimicrl.walkers import Walker, library

SPEEDS = (0.84, 1.25, 1.95)
HALF = FRAMES_PER_CYCLE // 2
PHASE = np.arange(FRAMES_PER_CYCLE + 1) / FRAMES_PER_CYCLE
# Bovi et al. 2011: stride times [s] at the published speeds [m/s].
STRIDES_S = {0.839: 1.389, 1.198: 1.0995, 1.492: 0.978, 1.95: 0.855}


@pytest.fixture(scope="module", params=SPEEDS, ids=lambda speed: f"{speed}mps")
def walk(request: pytest.FixtureRequest, walker: Walker) -> tuple[float, MotionClip]:
    """A speed, and the walk generated for it."""
    return request.param, gait.generate(walker, request.param)


def periodic_part(clip: MotionClip) -> np.ndarray:
    """Return the root motion without its mean advance, one cycle, shape ``(T, 3)``."""
    advance = clip.times_s[:, None] * [clip.speed_mps, 0, 0]
    return (clip.root_position_w - advance)[:-1]


def feet(clip: MotionClip, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
    return walker.foot_kinematics(walker.assemble_qpos(clip.root_position_w, clip.root_quat_w, clip.joint_angles_rad))


def test_speed_is_exact_and_a_stride_takes_as_long_as_published(walk: tuple[float, MotionClip]) -> None:
    speed, clip = walk
    assert clip.speed_mps == pytest.approx(speed, rel=1e-14)
    assert clip.name == f"gait-{speed:g}"
    published = np.interp(speed, list(STRIDES_S), list(STRIDES_S.values()))
    assert clip.duration_s == pytest.approx(published, rel=0.07)


def test_the_last_frame_is_the_first_one_a_stride_on(walk: tuple[float, MotionClip]) -> None:
    _, clip = walk
    assert clip.loop == "wrap"
    assert len(clip.times_s) == FRAMES_PER_CYCLE + 1
    np.testing.assert_array_equal(clip.joint_angles_rad[-1], clip.joint_angles_rad[0])
    np.testing.assert_array_equal(clip.root_quat_w[-1], clip.root_quat_w[0])
    np.testing.assert_array_equal(clip.root_position_w[-1, 1:], clip.root_position_w[0, 1:])
    assert clip.root_position_w[0, 0] == 0


def test_left_is_right_half_a_cycle_later_to_the_last_bit(walk: tuple[float, MotionClip], walker: Walker) -> None:
    _, clip = walk
    angles = clip.joint_angles_rad[:-1]
    np.testing.assert_array_equal(walker.mirror_joints(angles), np.roll(angles, -HALF, axis=0))
    assert not np.array_equal(walker.mirror_joints(angles), angles)
    root = periodic_part(clip)
    np.testing.assert_allclose(np.roll(root, -HALF, axis=0), root * [1, -1, 1], rtol=0, atol=1e-14)
    assert np.ptp(root, axis=0).min() > 0.01, "it surges, sways and rises at all"


def test_the_walker_has_the_angles_of_the_table(walk: tuple[float, MotionClip], walker: Walker) -> None:
    speed, clip = walk
    for column, name in enumerate(walker.joint_names):
        own = PHASE + (0.5 if name.endswith("_l") else 0.0)
        expected = leg_angles(speed, own, frontal_share=0.4)[name[:-2]]
        np.testing.assert_allclose(clip.joint_angles_rad[:, column], expected, rtol=0, atol=1e-13)


def test_the_trunk_sways_as_far_as_people_do(walk: tuple[float, MotionClip]) -> None:
    # Orendurff et al. 2004: 70 to 39 mm from slow to fast.
    assert 0.035 < np.ptp(walk[1].root_position_w[:, 1]) < 0.07


def test_feet_stay_on_the_floor(walk: tuple[float, MotionClip], walker: Walker) -> None:
    _, heights = feet(walk[1], walker)
    lowest = heights.min(axis=1)
    assert lowest.min() > -0.003  # measured: -0.8 mm slow to -2.1 mm fast
    assert lowest.max() < 0.005  # somebody always stands: measured 1.3 to 3.5 mm


def test_the_stance_foot_hardly_slips(walk: tuple[float, MotionClip], walker: Walker) -> None:
    speed, clip = walk
    sites, _ = feet(clip, walker)
    velocity = np.gradient(sites, clip.times_s, axis=0)
    for foot, start in ((0, 0.0), (1, 0.5)):
        single = (start + 0.12 < PHASE) & (start + 0.5 > PHASE)  # the other foot is in the air
        own = slice(2 * foot, 2 * foot + 2)
        lower = sites[single][:, own, 2].argmin(axis=1)
        slip = np.linalg.norm(velocity[single][np.arange(single.sum()), 2 * foot + lower, :2], axis=1)
        # Measured: mean 0.045 to 0.064 m/s, greatest 0.085 to 0.137 m/s, while the swing foot moves at 3 speeds.
        assert slip.mean() < 0.08
        assert slip.max() < 0.17
        assert np.linalg.norm(velocity[np.roll(single, HALF)][:, own, :2], axis=2).max() > 2 * speed


def test_the_root_moves_smoothly_over_the_seam(walk: tuple[float, MotionClip]) -> None:
    # Four harmonics at most: every difference quotient is bounded by that of its fourth harmonic.
    spectrum = np.abs(np.fft.rfft(periodic_part(walk[1]), axis=0))
    assert spectrum[5:].max() < 1e-11
    assert spectrum[1:5].max() > 0.1


@pytest.mark.parametrize("speed", [0.8, 2.0, float("nan")])
def test_a_speed_without_published_gait_is_refused(walker: Walker, speed: float) -> None:
    text = f"no published gait at this speed — motion.speed_mps — got {speed} m/s, expected 0.839 to 1.95"
    with pytest.raises(MotionError) as caught:
        gait.generate(walker, speed)
    assert str(caught.value) == text
    with pytest.raises(MotionError) as caught:
        published_spread("knee_flexion", speed, np.zeros(1))
    assert str(caught.value) == text


def test_a_walker_without_legs_is_refused() -> None:
    xml = library.bundled("walker3d").xml
    for joint in ("hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"):
        for side in "rl":
            xml = xml.replace(f"{joint}_{side}", f"{joint}x_{side}")
    with pytest.raises(MotionError) as caught:
        gait.generate(Walker.from_xml(xml, name="robot"), 1.25)
    assert str(caught.value).startswith("the walker has no joint of the generated gait — robot — got the roles hip_")
    assert "expected one of hip_flexion, knee_flexion, " in str(caught.value)


def test_joints_that_the_gait_does_not_know_stay_at_zero() -> None:
    xml = library.bundled("walker3d").xml.replace("ankle_dorsiflexion_", "ankle_x_")
    other = Walker.from_xml(xml, name="stiff")
    angles = gait.generate(other, 1.25).joint_angles_rad
    ankles = np.array([name.startswith("ankle") for name in other.joint_names])
    assert not angles[:, ankles].any()
    assert angles[:, ~ankles].any(axis=0).all()
