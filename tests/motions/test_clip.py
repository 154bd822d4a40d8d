"""Motion clips: what they refuse, and files that carry them to the last bit."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip
from mimicrl.motions.clip import MAX_SEAM_RAD

FIELDS = ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad")


def plain(**changes: object) -> MotionClip:
    """Return a clip of one hinge over three frames, with `changes`."""
    parts: dict[str, object] = {
        "name": "c",
        "times_s": [0.0, 0.5, 1.0],
        "root_position_w": [[0, 0, 1], [0.5, 0, 1], [1, 0, 1]],
        "root_quat_w": [[1, 0, 0, 0]] * 3,
        "joint_names": ["knee"],
        "joint_angles_rad": [[0.0], [1.0], [0.0]],
        "loop": "wrap",
    }
    return MotionClip(**parts | changes)  # type: ignore[arg-type]


def test_speed_is_net_way_over_time() -> None:
    clip = plain(times_s=[0, 0.5, 2], root_position_w=[[1, 1, 0], [9, 9, 9], [4, 5, 7]])
    assert (clip.duration_s, clip.speed_mps) == (2.0, 2.5)


def test_a_clip_keeps_its_own_read_only_arrays() -> None:
    times = np.array([0.0, 0.5, 1.0])
    clip = plain(times_s=times)
    times[1] = 0.9
    assert clip.times_s[1] == 0.5
    for field in FIELDS:
        with pytest.raises(ValueError, match="read-only"):
            getattr(clip, field)[0] = 1
    assert clip.joint_names == ("knee",)


BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "one frame": ({"times_s": [0.0]}, "a clip needs at least two frames — c — got times of shape (1,)"),
    "loop": ({"loop": "clamp"}, "unknown loop mode — c — got clamp, expected wrap or none"),
    "shape": ({"root_quat_w": np.eye(4)}, "root_quat_w has the wrong shape — c — got (4, 4), expected (3, 4)"),
    "joints": ({"joint_names": "kl"}, "joint_angles_rad has the wrong shape — c — got (3, 1), expected (3, 2)"),
    "names": ({"joint_names": "kk", "joint_angles_rad": np.zeros((3, 2))}, "joint names repeat — c — got k, k"),
    "NaN": (
        {"joint_angles_rad": [[0.0], [np.nan], [0.0]]},
        "the motion has a number that is not finite — c, frame 1, joint knee — got nan — repair or cut the recording",
    ),
    "infinite": (
        {"times_s": [0, 1, np.inf]},
        "the motion has a number that is not finite — c, frame 2, times_s — got inf",
    ),
    "late start": ({"times_s": [1, 2, 3]}, "times must start at 0 and rise — c, frame 0 — got 1 s"),
    "backwards": ({"times_s": [0, 1, 0.5]}, "times must start at 0 and rise — c, frame 2 — got 0.5 s"),
    "quaternion": (
        {"root_quat_w": [[1, 0, 0, 0], [1, 0.1, 0, 0], [1, 0, 0, 0]]},
        "a quaternion is not of unit length — c, root_quat_w, frame 1 — got length 1.0050",
    ),
    "seam": (
        {"joint_angles_rad": [[0.0], [1.0], [0.5]]},
        "the clip wraps but its ends do not meet — c, joint knee — got a jump of 28.6°, expected at most 20° — "
        "cut the clip at whole cycles, or set its loop mode to none",
    ),
}


@pytest.mark.fault(20, 22)
@pytest.mark.parametrize("case", BROKEN)
def test_a_malformed_clip_is_refused(case: str) -> None:
    changes, text = BROKEN[case]
    with pytest.raises(MotionError) as caught:
        plain(**changes)
    assert str(caught.value).startswith(text)


def test_only_a_wrapping_clip_must_meet_its_ends() -> None:
    plain(joint_angles_rad=[[0.0], [1.0], [MAX_SEAM_RAD * 0.99]])
    plain(joint_angles_rad=[[0.0], [1.0], [2.0]], loop="none")
    plain(joint_names=[], joint_angles_rad=np.zeros((3, 0)))  # a motion of the root


def test_a_file_carries_the_clip_to_the_last_bit_and_equal_clips_are_equal_files(
    tmp_path: Path, clip: MotionClip
) -> None:
    one, two = tmp_path / "one.npz", tmp_path / "two.npz"
    clip.save(one)
    again = MotionClip.load(one)
    assert (again.name, again.joint_names, again.loop) == (clip.name, clip.joint_names, clip.loop)
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(again, field), getattr(clip, field))
    again.save(two)
    assert one.read_bytes() == two.read_bytes()
    assert {entry.date_time for entry in zipfile.ZipFile(one).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MotionError, match=r"^no such motion file — .*gone\.npz$"):
        MotionClip.load(tmp_path / "gone.npz")


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


CONTENTS = {
    "empty": b"",
    "zip": b"PK\x03\x04 damaged",
    "other npz": npz(qpos=np.zeros(3)),
    "objects": npz(name=np.array(["c"], dtype=object)),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_what_is_no_clip_is_refused(tmp_path: Path, case: str) -> None:
    (tmp_path / "bad.npz").write_bytes(CONTENTS[case])
    with pytest.raises(MotionError, match=r"^not a motion clip of this project — .*bad\.npz — got "):
        MotionClip.load(tmp_path / "bad.npz")


def test_a_clip_in_a_file_is_checked_like_any_other(tmp_path: Path, clip: MotionClip) -> None:
    (tmp_path / "bad.npz").write_bytes(npz(**dataclasses.asdict(clip) | {"times_s": clip.times_s[::-1]}))
    with pytest.raises(MotionError, match=r"^times must start at 0 and rise — gait-1\.25, frame 0 — got 1\.09869 s"):
        MotionClip.load(tmp_path / "bad.npz")


def test_damaged_bytes_never_raise_anything_but_a_motion_error(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    plain().save(path)
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(500):
        damaged = bytearray(whole)
        for place in rng.integers(len(whole), size=rng.integers(1, 4)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(whole))] if rng.random() < 0.2 else damaged)
        try:
            MotionClip.load(path)
        except MotionError:
            refused += 1
    assert refused > 300
