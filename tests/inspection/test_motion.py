"""Descriptions of a motion: the numbers of the assessment, with one line per joint."""

from __future__ import annotations

import numpy as np

from mimicrl.inspection.motion import describe
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.motions.plausibility import assess
from mimicrl.walkers import Walker


def test_the_description_has_one_line_per_joint(
    walker: Walker, clip: MotionClip, reference: ReferenceTrajectory
) -> None:
    found = assess(reference, walker)
    lines = describe(found).splitlines()
    assert lines[0].startswith(f"{clip.name}: {len(clip.times_s)} frames at ")
    assert f"{clip.speed_mps:.3f} m/s" in lines[1]
    joints = lines[-len(walker.joint_names) :]
    rows = zip(walker.joint_names, np.degrees(found.joint_range_rad), found.peak_velocity_rad_s, strict=True)
    for (name, (low, high), peak), line in zip(rows, joints, strict=True):
        assert line.startswith(name)
        assert f"{low:.1f} to {high:.1f}°" in line
        assert f"{peak:.1f} rad/s" in line
