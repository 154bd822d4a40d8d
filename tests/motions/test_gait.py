"""The generated walk: published angles and times, exact speed and symmetry, feet that stand on the floor."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip, gait
from mimicrl.walkers import Walker
from mimicrl.walkers.registry import source

SPEEDS = (0.84, 1.2, 1.25, 1.5, 1.95)
HALF = gait.FRAMES_PER_CYCLE // 2

# Bovi et al. 2011: speed [m/s], stride time [s], and the least and greatest angles [deg]; of the hip also the
# pelvis's mean tilt, which it takes over.
NODES = {
    0.839: (
        1.389,
        {"knee_flexion": (5.3, 62.4), "ankle_dorsiflexion": (-15.7, 15.3), "hip_flexion": (-5.5, 32.5)},
        9.1,
    ),
    1.198: (
        1.0995,
        {"knee_flexion": (5.1, 63.5), "ankle_dorsiflexion": (-16.1, 15.2), "hip_flexion": (-8.2, 33.6)},
        8.8,
    ),
    1.492: (
        0.978,
        {"knee_flexion": (5.5, 63.4), "ankle_dorsiflexion": (-17.7, 14.0), "hip_flexion": (-10.6, 34.4)},
        8.4,
    ),
    1.95: (
        0.855,
        {"knee_flexion": (2.6, 65.6), "ankle_dorsiflexion": (-20.2, 13.9), "hip_flexion": (-11.1, 41.3)},
        12.9,
    ),
}


@pytest.fixture(scope="module", params=SPEEDS, ids=lambda speed: f"{speed}mps")
def walk(request: pytest.FixtureRequest, walker: Walker) -> tuple[float, MotionClip]:
    """A speed, and the walk generated for it."""
    return request.param, gait.generate(walker, request.param)


def periodic_part(clip: MotionClip) -> np.ndarray:
    """Return the root motion without its mean advance, one cycle, shape ``(T, 3)``."""
    advance = clip.times_s[:, None] * [clip.speed_mps, 0, 0]
    return (clip.root_position_w - advance)[:-1]


def feet(clip: MotionClip, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
    return walker.kinematics(walker.qpos(clip.root_position_w, clip.root_quat_w, clip.joint_angles_rad))


def test_the_speed_is_exactly_the_one_asked_for(walk: tuple[float, MotionClip]) -> None:
    speed, clip = walk
    assert clip.speed_mps == pytest.approx(speed, rel=1e-14)
    assert clip.name == f"gait-{speed:g}"


def test_the_last_frame_is_the_first_one_a_stride_on(walk: tuple[float, MotionClip]) -> None:
    _, clip = walk
    assert clip.loop == "wrap"
    assert len(clip.times_s) == gait.FRAMES_PER_CYCLE + 1
    np.testing.assert_array_equal(clip.joint_angles_rad[-1], clip.joint_angles_rad[0])
    np.testing.assert_array_equal(clip.root_quat_w[-1], clip.root_quat_w[0])
    np.testing.assert_array_equal(clip.root_position_w[-1, 1:], clip.root_position_w[0, 1:])
    assert clip.root_position_w[0, 0] == 0


def test_left_is_right_half_a_cycle_later_to_the_last_bit(walk: tuple[float, MotionClip], walker: Walker) -> None:
    _, clip = walk
    angles = clip.joint_angles_rad[:-1]
    np.testing.assert_array_equal(walker.mirror_joints(angles), np.roll(angles, -HALF, axis=0))
    assert not np.array_equal(walker.mirror_joints(angles), angles)


def test_the_root_moves_alike_in_both_steps(walk: tuple[float, MotionClip]) -> None:
    _, clip = walk
    root = periodic_part(clip)
    np.testing.assert_allclose(np.roll(root, -HALF, axis=0), root * [1, -1, 1], rtol=0, atol=1e-14)
    assert np.ptp(root, axis=0).min() > 0.01  # it surges, sways and rises at all


def test_a_stride_takes_as_long_as_published(walk: tuple[float, MotionClip]) -> None:
    speed, clip = walk
    published = np.interp(speed, list(NODES), [node[0] for node in NODES.values()])
    assert clip.duration_s == pytest.approx(published, rel=0.07)


@pytest.mark.parametrize("node", NODES)
def test_angles_range_as_published(node: float) -> None:
    phase = np.arange(200) / 200
    _, ranges, tilt = NODES[node]
    leg = gait.leg_angles(node, phase)
    for joint, (low, high) in ranges.items():
        shift = tilt if joint == "hip_flexion" else 0.0
        angle = np.degrees(leg[joint]) + shift
        assert angle.min() == pytest.approx(low, abs=0.2), joint
        assert angle.max() == pytest.approx(high, abs=0.2), joint


def test_the_walker_has_the_angles_of_the_table(walk: tuple[float, MotionClip], walker: Walker) -> None:
    speed, clip = walk
    phase = np.arange(gait.FRAMES_PER_CYCLE + 1) / gait.FRAMES_PER_CYCLE
    for column, name in enumerate(walker.joint_names):
        own = phase + (0.5 if name.endswith("_l") else 0.0)
        expected = gait.leg_angles(speed, own, frontal_share=0.4)[name[:-2]]
        np.testing.assert_allclose(clip.joint_angles_rad[:, column], expected, rtol=0, atol=1e-13)


def test_the_frontal_share_scales_the_sideways_swing_about_its_mean() -> None:
    phase = np.arange(200) / 200
    none, some, all_ = (gait.leg_angles(1.25, phase, share) for share in (0.0, 0.4, 1.0))
    mean = none["hip_adduction"][0]
    assert np.ptp(none["hip_adduction"]) == 0
    assert mean == pytest.approx(gait.published_angles("hip_adduction", 1.25, phase).mean(), abs=1e-14)
    np.testing.assert_allclose(some["hip_adduction"] - mean, 0.4 * (all_["hip_adduction"] - mean), rtol=0, atol=1e-14)
    for joint in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"):
        np.testing.assert_array_equal(none[joint], all_[joint])


def test_the_trunk_sways_as_far_as_people_do(walk: tuple[float, MotionClip]) -> None:
    # Orendurff et al. 2004: 70 to 39 mm from slow to fast.
    assert 0.035 < np.ptp(walk[1].root_position_w[:, 1]) < 0.07


def test_angles_are_interpolated_linearly_in_speed() -> None:
    phase = np.linspace(0, 1, 11)
    middle = gait.published_angles("knee_flexion", (1.198 + 1.492) / 2, phase)
    ends = [gait.published_angles("knee_flexion", speed, phase) for speed in (1.198, 1.492)]
    np.testing.assert_allclose(middle, np.mean(ends, axis=0), rtol=0, atol=1e-14)


def test_published_angles_are_periodic() -> None:
    phase = np.linspace(0, 1, 50)
    for channel in ("hip_flexion", "pelvis_obliquity"):
        one, next_cycle = (gait.published_angles(channel, 1.3, phase + shift) for shift in (0, 1))
        np.testing.assert_allclose(one, next_cycle, rtol=0, atol=1e-13)


@pytest.mark.parametrize("channel", ["hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"])
def test_adults_differ_by_a_few_degrees_and_alike_in_every_cycle(channel: str) -> None:
    phase = np.linspace(0, 1, 101)
    for speed in SPEEDS:
        spread = np.degrees(gait.published_spread(channel, speed, phase))
        assert 0.5 < spread.min() < spread.max() < 20
        np.testing.assert_allclose(
            gait.published_spread(channel, speed, phase + 3.25), gait.published_spread(channel, speed, phase + 0.25)
        )


def test_feet_stay_on_the_floor(walk: tuple[float, MotionClip], walker: Walker) -> None:
    _, heights = feet(walk[1], walker)
    lowest = heights.min(axis=1)
    assert lowest.min() > -0.003  # measured: -0.8 mm slow to -2.1 mm fast
    assert lowest.max() < 0.005  # somebody always stands: measured 1.3 to 3.5 mm


def test_the_stance_foot_hardly_slips(walk: tuple[float, MotionClip], walker: Walker) -> None:
    speed, clip = walk
    sites, _ = feet(clip, walker)
    velocity = np.gradient(sites, clip.times_s, axis=0)
    phase = np.arange(gait.FRAMES_PER_CYCLE + 1) / gait.FRAMES_PER_CYCLE
    for foot, start in ((0, 0.0), (1, 0.5)):
        single = (phase > start + 0.12) & (phase < start + 0.5)  # the other foot is in the air
        own = slice(2 * foot, 2 * foot + 2)
        lower = sites[single][:, own, 2].argmin(axis=1)
        slip = np.linalg.norm(velocity[single][np.arange(single.sum()), 2 * foot + lower, :2], axis=1)
        # Measured: mean 0.045 to 0.064 m/s, greatest 0.085 to 0.137 m/s, while the swing foot moves at 3 speeds.
        assert slip.mean() < 0.08
        assert slip.max() < 0.17
        swing = np.roll(single, gait.FRAMES_PER_CYCLE // 2)
        assert np.linalg.norm(velocity[swing][:, own, :2], axis=2).max() > 2 * speed


def test_the_root_moves_smoothly_over_the_seam(walk: tuple[float, MotionClip]) -> None:
    # Four harmonics at most: every difference quotient is bounded by that of its fourth harmonic.
    _, clip = walk
    root = periodic_part(clip)
    spectrum = np.abs(np.fft.rfft(root, axis=0))
    assert spectrum[5:].max() < 1e-11
    assert spectrum[1:5].max() > 0.1


def test_one_foot_passes_the_other_twice_in_a_cycle(clip: MotionClip, walker: Walker) -> None:
    sites, _ = feet(clip, walker)
    lead = sites[:-1, 0, 0] - sites[:-1, 2, 0]
    assert lead[0] == pytest.approx(lead.max(), rel=0.05)  # the cycle starts as the right heel strikes, far ahead
    assert lead[HALF] == pytest.approx(lead.min(), rel=0.05)
    assert (np.diff(np.sign(lead)) != 0).sum() == 2


@pytest.mark.parametrize("speed", [0.8, 2.0, -1.25, float("nan"), float("inf")])
def test_a_speed_without_published_gait_is_refused(walker: Walker, speed: float) -> None:
    text = f"no published gait at this speed — motion.speed_mps — got {speed} m/s, expected 0.839 to 1.95"
    for ask in (
        lambda: gait.generate(walker, speed),
        lambda: gait.published_spread("knee_flexion", speed, np.zeros(1)),
    ):
        with pytest.raises(MotionError) as caught:
            ask()
        assert str(caught.value) == text


def test_a_walker_without_legs_is_refused() -> None:
    xml = source("walker3d")
    for joint in ("hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"):
        for side in "rl":
            xml = xml.replace(f"{joint}_{side}", f"{joint}x_{side}")
    with pytest.raises(MotionError) as caught:
        gait.generate(Walker.from_xml(xml, name="robot"), 1.25)
    assert str(caught.value).startswith("the walker has no joint of the generated gait — robot — got hip_flexionx_r, ")
    assert "expected hip_flexion_r, hip_flexion_l, knee_flexion_r" in str(caught.value)


def test_joints_that_the_gait_does_not_know_stay_at_zero() -> None:
    xml = source("walker3d").replace("ankle_dorsiflexion_", "ankle_x_")
    other = Walker.from_xml(xml, name="stiff")
    angles = gait.generate(other, 1.25).joint_angles_rad
    ankles = [name.startswith("ankle") for name in other.joint_names]
    assert not angles[:, ankles].any()
    assert angles[:, ~np.array(ankles)].any(axis=0).all()


@pytest.mark.parametrize("file", ["bovi2011.csv", "bovi2011_sd.csv"])
def test_the_tables_cite_their_source(file: str) -> None:
    text = (resources.files("mimicrl.motions") / "assets" / file).read_text(encoding="utf-8")
    comment = " ".join(line for line in text.splitlines() if line.startswith("#"))
    for word in ("Bovi", "Gait & Posture", "33(1):6-13", "2011"):
        assert word in comment
