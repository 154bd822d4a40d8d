"""Motion files are found by their ending, and come out fitted to the walker."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.motions.readers import FORMATS, read
from mimicrl.motions.retarget import lay_out
from mimicrl.motions.validate import inspect
from mimicrl.walkers import Walker


def test_a_saved_clip_is_laid_out_for_the_walker(tmp_path: Path, clip: MotionClip, walker: Walker) -> None:
    clip.save(tmp_path / "walk.npz")
    got, expected = read(tmp_path / "walk.npz", walker), lay_out(clip, walker)
    for field in ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad"):
        np.testing.assert_array_equal(getattr(got, field), getattr(expected, field))


@pytest.mark.parametrize("gap_deg", [-3.0, 0.0, 3.0])
def test_a_gap_at_the_seam_is_shown_as_recorded_and_closed_in_the_reference(
    tmp_path: Path, clip: MotionClip, walker: Walker, gap_deg: float
) -> None:
    angles = clip.joint_angles_rad.copy()
    angles[:, 4] += np.radians(gap_deg) * clip.times_s / clip.duration_s
    dataclasses.replace(clip, joint_angles_rad=angles).save(tmp_path / "walk.npz")
    got = read(tmp_path / "walk.npz", walker)
    gaps = np.degrees([joint.seam_gap_rad for joint in inspect(got, walker).joints])
    np.testing.assert_allclose(gaps, np.abs(gap_deg) * (np.arange(8) == 4), rtol=0, atol=1e-9)
    start, end = ReferenceTrajectory(got, walker).at_phase(np.array([0.0, 1.0])).joint_angles_rad
    np.testing.assert_allclose(end, start, rtol=0, atol=1e-12)


def test_a_missing_file_is_named_with_what_lies_beside_it(tmp_path: Path, walker: Walker) -> None:
    for name in ("walk.txt", "run.txt", "walk.npz"):
        (tmp_path / name).touch()
    with pytest.raises(MotionError) as caught:
        read(tmp_path / "wlak.txt", walker)
    assert str(caught.value) == f"no such motion file — {tmp_path / 'wlak.txt'} — beside it: run.txt, walk.txt"
    with pytest.raises(MotionError) as caught:
        read(tmp_path / "gone" / "walk.txt", walker)
    assert str(caught.value) == f"no such motion file — {tmp_path / 'gone' / 'walk.txt'} — check the path"


@pytest.mark.parametrize("name", ["walk.bvh", "walk", "walk.TXT"])
def test_an_unknown_format_is_refused_with_the_known_ones(tmp_path: Path, walker: Walker, name: str) -> None:
    (tmp_path / name).touch()
    with pytest.raises(MotionError) as caught:
        read(tmp_path / name, walker)
    assert str(caught.value) == (
        f"not a motion file of a known format — {tmp_path / name} — expected .txt (DeepMimic humanoid motion), "
        ".mat (DRLoco steps), .npz (motion clip of this project)"
    )


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_is_no_motion(tmp_path: Path, walker: Walker, ending: str) -> None:
    (tmp_path / f"walk{ending}").mkdir()
    with pytest.raises(MotionError, match=r"^not a motion file of a known format — "):
        read(tmp_path / f"walk{ending}", walker)


@pytest.mark.parametrize("ending", FORMATS)
def test_an_empty_file_is_no_motion(tmp_path: Path, walker: Walker, ending: str) -> None:
    (tmp_path / f"walk{ending}").touch()
    with pytest.raises(MotionError, match=r"^not a "):
        read(tmp_path / f"walk{ending}", walker)
