"""Plausibility: the generated walk is measured as it is, and clips in wrong units are refused with a hint."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.motions.plausibility import Assessment, assess, refuse_implausible
from mimicrl.walkers import Walker


@pytest.fixture(scope="module")
def assessed(walker: Walker) -> Callable[..., Assessment]:
    """Assesses a clip with some fields replaced."""

    def measure(clip: MotionClip, **changes: object) -> Assessment:
        return assess(ReferenceTrajectory(dataclasses.replace(clip, **changes), walker), walker)  # type: ignore[arg-type]

    return measure


@pytest.mark.parametrize("speed_mps", [0.84, 1.25, 1.95])
def test_the_generated_walk_is_plausible(assessed: Callable[..., Assessment], walker: Walker, speed_mps: float) -> None:
    found = assessed(gait.generate(walker, speed_mps))
    assert 0.75 < found.root_height_m[0] < found.root_height_m[1] < 0.95
    assert found.root_tilt_rad < np.radians(10)
    assert found.penetration_m < 0.02
    assert found.float_m < 0.02
    assert 0 < found.foot_skate_mps < 0.4
    assert not found.beyond_limits_rad.any()
    assert found.seam_gap_rad.max() < 1e-9
    assert found.peak_velocity_rad_s.min() > 0.1
    assert found.peak_velocity_rad_s.max() < 15
    refuse_implausible(found)


def test_both_legs_are_measured_alike(assessed: Callable[..., Assessment], clip: MotionClip, walker: Walker) -> None:
    found = assessed(clip)
    left, right = ([name.endswith(side) for name in walker.joint_names] for side in ("_l", "_r"))
    for values in (found.joint_range_rad, found.peak_velocity_rad_s):
        np.testing.assert_allclose(values[left], values[right], rtol=1e-3, atol=1e-3)


def test_a_joint_beyond_its_limits_is_measured(
    assessed: Callable[..., Assessment], clip: MotionClip, walker: Walker
) -> None:
    knee = walker.joint_names.index("knee_flexion_r")
    backwards = 0.5 * np.eye(len(walker.joint_names))[knee]
    found = assessed(clip, joint_angles_rad=clip.joint_angles_rad - backwards)
    expected = walker.joint_range_rad[knee, 0] - found.joint_range_rad[knee, 0]
    np.testing.assert_allclose(found.beyond_limits_rad, expected * (backwards > 0))
    assert expected > 0.3


@pytest.mark.parametrize("gap_deg", [-3.0, 3.0])
def test_a_gap_at_the_seam_is_measured_as_recorded(
    assessed: Callable[..., Assessment], clip: MotionClip, gap_deg: float
) -> None:
    drift = np.radians(gap_deg) * clip.times_s[:, None] / clip.duration_s * np.eye(len(clip.joint_names))[4]
    gaps = assessed(clip, joint_angles_rad=clip.joint_angles_rad + drift).seam_gap_rad
    np.testing.assert_allclose(np.degrees(gaps), 3.0 * np.eye(len(gaps))[4], rtol=0, atol=1e-9)


def test_a_lifted_clip_floats_and_a_lowered_one_sinks(assessed: Callable[..., Assessment], clip: MotionClip) -> None:
    flat = assessed(clip)
    lifted, lowered = (
        assessed(clip, root_position_w=clip.root_position_w + np.array([0, 0, z])) for z in (0.05, -0.05)
    )
    assert lifted.float_m == pytest.approx(flat.float_m + 0.05, abs=1e-6)
    assert lifted.penetration_m == 0
    assert lowered.penetration_m == pytest.approx(flat.penetration_m + 0.05, abs=1e-6)
    assert lifted.foot_skate_mps == 0, "nothing touches the floor"


def test_a_clip_that_slides_skates(assessed: Callable[..., Assessment], clip: MotionClip) -> None:
    slide = clip.root_position_w + clip.times_s[:, None] * [0.5, 0, 0]
    skate = assessed(clip, root_position_w=slide).foot_skate_mps
    assert skate == pytest.approx(assessed(clip).foot_skate_mps + 0.5, abs=0.1)


# What is wrong, the field that shows it, and what is done to that.
REFUSED: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray], str]] = {
    "degrees": ("joint_angles_rad", np.degrees, r"joint knee_\w+ — got a range of \d+\.\d rad — are these degrees\?"),
    "millimetres": (
        "root_position_w",
        lambda position: 1000 * position,
        r"the root's height — got 8\d\d\.\d\d to \d+\.\d\d m — are these metres\?",
    ),
    "crawling": (
        "root_position_w",
        lambda position: position * [1, 1, 0.3],
        r"the root's height — got 0\.2\d to 0\.\d\d m — are these metres\?",
    ),
    "hurried": ("times_s", lambda times: times / 20, r"speed — got 25\.0 m/s — check the frame rate and the unit"),
    "sunk": (
        "root_position_w",
        lambda position: position - [0, 0, 0.15],
        r"the feet — got 0\.1\d m below the floor — check the unit of length and the up axis",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_cannot_be_a_walk_is_refused_with_a_hint(
    assessed: Callable[..., Assessment], clip: MotionClip, wrong: str
) -> None:
    field, change, text = REFUSED[wrong]
    found = assessed(clip, loop="none", **{field: change(getattr(clip, field))})
    with pytest.raises(MotionError, match=rf"^the motion cannot be a walk — {clip.name}, {text}"):
        refuse_implausible(found)
