"""Inspecting clips: the generated walk is sane, and clips in wrong units are refused with a hint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip, gait, validate
from mimicrl.walkers import Walker


def changed(clip: MotionClip, **fields: Any) -> MotionClip:
    """The clip with some fields replaced."""
    names = ("name", "times_s", "root_position_w", "root_quat_w", "joint_names", "joint_angles_rad", "loop")
    return MotionClip(**({name: getattr(clip, name) for name in names} | fields))


@pytest.mark.parametrize("speed_mps", [0.84, 1.25, 1.95])
def test_the_generated_walk_is_sane(walker: Walker, speed_mps: float) -> None:
    clip = gait.generate(walker, speed_mps)
    found = validate.inspect(clip, walker)
    assert found.speed_mps == pytest.approx(speed_mps, rel=1e-6)
    assert found.duration_s == clip.duration_s
    assert found.frames == len(clip.times_s)
    assert found.rate_hz == pytest.approx((found.frames - 1) / found.duration_s)
    assert found.loop == "wrap"
    assert 0.75 < found.root_height_m[0] < found.root_height_m[1] < 0.95
    assert found.root_tilt_rad < np.radians(10)
    assert found.penetration_m < 0.02
    assert found.float_m < 0.02
    assert 0 < found.foot_skate_mps < 0.4
    for joint in found.joints:
        assert joint.violation_rad == 0, joint.name
        assert joint.seam_gap_rad < 1e-9
        assert 0.1 < joint.peak_velocity < 15
    validate.refuse_implausible(clip, walker)


def test_both_legs_are_inspected_alike(walker: Walker, clip: MotionClip) -> None:
    joints = {joint.name: joint for joint in validate.inspect(clip, walker).joints}
    for name in (name for name in joints if name.endswith("_r")):
        left, right = joints[name[:-2] + "_l"], joints[name]
        for value in ("low_rad", "high_rad", "peak_velocity"):
            assert getattr(left, value) == pytest.approx(getattr(right, value), rel=1e-3, abs=1e-3)


def test_a_joint_beyond_its_limits_is_measured(walker: Walker, clip: MotionClip) -> None:
    angles = clip.joint_angles_rad.copy()
    angles[:, 2] -= 0.5  # a knee bent backwards
    knee = validate.inspect(changed(clip, joint_angles_rad=angles), walker).joints[2]
    assert knee.violation_rad == pytest.approx(knee.limit_low_rad - knee.low_rad)
    assert knee.violation_rad > 0.3


def test_a_lifted_clip_floats_and_a_lowered_one_sinks(walker: Walker, clip: MotionClip) -> None:
    up = np.array([0, 0, 0.05])
    flat = validate.inspect(clip, walker)
    lifted = validate.inspect(changed(clip, root_position_w=clip.root_position_w + up), walker)
    lowered = validate.inspect(changed(clip, root_position_w=clip.root_position_w - up), walker)
    assert lifted.float_m == pytest.approx(flat.float_m + 0.05, abs=1e-6)
    assert lifted.penetration_m == 0
    assert lowered.penetration_m == pytest.approx(flat.penetration_m + 0.05, abs=1e-6)
    assert lifted.foot_skate_mps == 0  # nothing touches the floor


def test_a_clip_that_slides_skates(walker: Walker, clip: MotionClip) -> None:
    slide = clip.root_position_w + clip.times_s[:, None] * np.array([0.5, 0, 0])
    there = validate.inspect(changed(clip, root_position_w=slide), walker)
    assert there.foot_skate_mps == pytest.approx(validate.inspect(clip, walker).foot_skate_mps + 0.5, abs=0.1)


def test_the_description_has_a_line_a_joint(walker: Walker, clip: MotionClip) -> None:
    found = validate.inspect(clip, walker)
    lines = found.describe().splitlines()
    head = next(index for index, line in enumerate(lines) if line.startswith("joint "))
    assert [line.split()[0] for line in lines[head + 1 :]] == list(walker.joint_names)
    assert lines[0].startswith(f"{clip.name}: {found.frames} frames at ")
    assert f"{found.speed_mps:.3f} m/s" in lines[1]
    for joint, line in zip(found.joints, lines[head + 1 :], strict=True):
        assert f"{np.degrees(joint.low_rad):.1f} to {np.degrees(joint.high_rad):.1f}°" in line
        assert f"{joint.peak_velocity:.1f} rad/s" in line


def degrees(clip: MotionClip) -> MotionClip:
    return changed(clip, joint_angles_rad=np.degrees(clip.joint_angles_rad))


def millimetres(clip: MotionClip) -> MotionClip:
    return changed(clip, root_position_w=1000 * clip.root_position_w)


def crawling(clip: MotionClip) -> MotionClip:
    return changed(clip, root_position_w=clip.root_position_w * [1, 1, 0.3])


def hurried(clip: MotionClip) -> MotionClip:
    return changed(clip, times_s=clip.times_s / 20)


def sunk(clip: MotionClip) -> MotionClip:
    return changed(clip, root_position_w=clip.root_position_w - [0, 0, 0.15])


REFUSED = {
    degrees: r"joint knee_flexion_[rl] — got a range of \d+\.\d rad — are these degrees\?",
    millimetres: r"the root's height — got 8\d\d\.\d\d to \d+\.\d\d m — are these metres\?",
    crawling: r"the root's height — got 0\.2\d to 0\.\d\d m — are these metres\?",
    hurried: r"speed — got 25\.0 m/s — check the frame rate and the unit of length",
    sunk: r"the feet — got 0\.1\d m below the floor — check the unit of length and the up axis",
}


@pytest.mark.parametrize(("wrong", "text"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_cannot_be_a_walk_is_refused_with_a_hint(walker: Walker, clip: MotionClip, wrong: Any, text: str) -> None:
    with pytest.raises(MotionError, match=rf"^the motion cannot be a walk — {clip.name}, {text}$"):
        validate.refuse_implausible(wrong(changed(clip, loop="none")), walker)
