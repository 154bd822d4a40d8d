"""DeepMimic motions: what an exporter wrote comes back, and damaged files are told apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.motions.formats import deepmimic, read
from mimicrl.motions.plausibility import assess
from mimicrl.motions.retarget import lay_out, leg_length, retarget
from mimicrl.walkers import Walker

Document = dict[str, Any]
IDENTITY = [1.0, 0.0, 0.0, 0.0]


def y_up(vectors: np.ndarray) -> np.ndarray:
    """Turn vectors from (forward, left, up) to (forward, up, right) axes."""
    return np.stack([vectors[..., 0], vectors[..., 2], -vectors[..., 1]], axis=-1)


def y_up_quat(quats: np.ndarray) -> np.ndarray:
    return np.concatenate([quats[..., :1], y_up(quats[..., 1:])], axis=-1)


def export(clip: MotionClip, walker: Walker, scale: float = 1.0) -> Document:
    """Write a clip of the walker as a DeepMimic document of a skeleton `scale` times as large."""

    def turn(name: str) -> np.ndarray:
        axis = walker.model.joint(name).axis
        return rotations.from_axis_angle(axis, clip.joint_angles_rad[:, clip.joint_names.index(name)])

    frames = np.zeros((len(clip.times_s), 44))
    frames[:-1, 0] = np.diff(clip.times_s) * np.sqrt(scale)
    frames[:, 1:4] = y_up(clip.root_position_w) * scale
    frames[:, 4:8] = y_up_quat(clip.root_quat_w)
    for column in (8, 12, 25, 39):  # chest, neck, shoulders
        frames[:, column : column + 4] = IDENTITY
    for column, side in ((16, "r"), (30, "l")):
        hip = rotations.multiply(turn(f"hip_flexion_{side}"), turn(f"hip_adduction_{side}"))
        frames[:, column : column + 4] = y_up_quat(hip)
        # Flexion is negative: the file's z axis points right.
        frames[:, column + 4] = -clip.joint_angles_rad[:, clip.joint_names.index(f"knee_flexion_{side}")]
        frames[:, column + 5 : column + 9] = y_up_quat(turn(f"ankle_dorsiflexion_{side}"))
    return {"Loop": clip.loop, "Frames": frames.tolist()}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def document(clip: MotionClip, walker: Walker) -> Document:
    """The generated walk as a DeepMimic document."""
    return export(clip, walker)


@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_an_exported_walk_comes_back(tmp_path: Path, clip: MotionClip, walker: Walker, size: float) -> None:
    # The reader takes the recorded skeleton for the released humanoid and scales it to the walker.
    scale = size * (0.421546 + 0.409870) / leg_length(walker)
    got, expected = read(write(tmp_path / "walk.txt", export(clip, walker, scale)), walker), lay_out(clip, walker)
    assert (got.name, got.loop, got.joint_names) == ("walk", "wrap", walker.joint_names)
    np.testing.assert_allclose(got.joint_angles_rad, expected.joint_angles_rad, rtol=0, atol=1e-9)
    np.testing.assert_allclose(got.times_s, np.sqrt(size) * expected.times_s, rtol=0, atol=1e-9)
    way, height = expected.root_position_w * [size, size, 0], got.root_position_w[:, 2:]
    np.testing.assert_allclose(got.root_position_w[:, :2], way[:, :2], rtol=0, atol=1e-9)
    assert height.mean() == pytest.approx(expected.root_position_w[:, 2].mean(), abs=0.05)


def test_axes_become_forward_left_up(tmp_path: Path, document: Document) -> None:
    frame = list(document["Frames"][0])
    frame[1:4] = [1.0, 2.0, 3.0]  # forward, up, right
    frame[4:8] = [np.cos(0.2), 0.0, np.sin(0.2), 0.0]  # turned to the left about the vertical
    frame[20] = -0.7
    recording = deepmimic.read(write(tmp_path / "x.txt", {"Loop": "none", "Frames": [frame, frame]}))
    np.testing.assert_array_equal(recording.root_position_w[0], [1, -3, 2])
    assert rotations.yaw(recording.root_quat_w)[0] == pytest.approx(0.4)
    # A bent knee brings the heel back: the shank that hung down now points backwards.
    assert rotations.rotate(recording.rotations["knee_r"], [0.0, 0.0, -1.0])[0, 0] == pytest.approx(-np.sin(0.7))


def test_the_last_frames_duration_does_not_count_and_no_loop_mode_means_none(
    tmp_path: Path, document: Document
) -> None:
    frames = [list(frame) for frame in document["Frames"]]
    frames[-1][0] = 99.0
    recording = deepmimic.read(write(tmp_path / "x.txt", {"Frames": frames}))
    assert recording.times_s[-1] == pytest.approx(sum(frame[0] for frame in frames[:-1]))
    assert recording.loop == "none"


def edited(frame: int, column: int, value: object) -> Callable[[Document], object]:
    def edit(document: Document) -> object:
        document["Frames"][frame][column] = value
        return document

    return edit


FEW = 'not a DeepMimic motion — {path} — got fewer than two frames, expected a list "Frames"'
WIDTH = "a frame has the wrong number of columns — {path}, frame 1 — got 36, expected 44, the humanoid's"
INFINITE = (
    "the motion has a number that is not finite — {path}, frame 2, column 20 — got nan — repair or cut the recording"
)
BROKEN: dict[str, tuple[Callable[[Document], object], str]] = {
    "no mapping": (lambda _: [1, 2], FEW),
    "one frame": (lambda document: {"Frames": document["Frames"][:1]}, FEW),
    "columns": (lambda document: {"Frames": [document["Frames"][0], document["Frames"][1][:36]]}, WIDTH),
    "text": (edited(1, 5, "left"), "a frame holds something other than numbers — {path} — got "),
    "NaN": (edited(2, 20, float("nan")), INFINITE),
    "zero duration": (edited(4, 0, 0.0), "times must rise — x.txt, frame 4 — got a duration of 0 s"),
    "long": (edited(5, 16, 1.5), "a quaternion is not of unit length — x.txt, hip_r, frame 5 — got length "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_malformed_motion_is_refused(tmp_path: Path, document: Document, walker: Walker, case: str) -> None:
    edit, text = BROKEN[case]
    path = write(tmp_path / "x.txt", edit(json.loads(json.dumps(document))))
    with pytest.raises(MotionError) as caught:
        retarget(deepmimic.read(path), walker)
    assert str(caught.value).startswith(text.format(path=path))


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe{}", b'{"Frames":' + b"[" * 100_000], ids=["empty", "UTF-16", "deep"]
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.txt").write_bytes(content)
    with pytest.raises(MotionError) as caught:
        deepmimic.read(tmp_path / "x.txt")
    assert str(caught.value).startswith(f"not a DeepMimic motion: no JSON — {tmp_path / 'x.txt'} — got ")


TOKENS = (b"0", b"9", b"-", b"e", b"e308", b'"', b"[", b"]", b",", b"NaN", b"null", b"true", b"{}", b"\xff", b"")


@pytest.mark.filterwarnings("ignore:overflow")
@given(edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from(TOKENS)), min_size=1, max_size=5))
def test_damaged_bytes_never_raise_anything_but_a_motion_error(
    tmp_path_factory: pytest.TempPathFactory, document: Document, walker: Walker, edits: list[tuple[float, bytes]]
) -> None:
    content = bytearray(json.dumps(document | {"Frames": document["Frames"][::50]}).encode())
    for share, token in edits:
        place = int(share * len(content))
        content[place : place + 1] = token
    path = tmp_path_factory.getbasetemp() / "fuzzed.txt"
    path.write_bytes(content)
    try:
        got = read(path, walker)
    except MotionError:
        return
    assert np.isfinite(got.joint_angles_rad).all()


# --- a real recording -----------------------------------------------------------------------------------------------


def test_a_released_walk_is_what_it_is_known_to_be(motions_dir: Path, walker: Walker) -> None:
    path = motions_dir / "deepmimic_humanoid3d_walk.txt"
    recording = deepmimic.read(path)
    way = np.hypot(*(recording.root_position_w[-1] - recording.root_position_w[0])[:2])
    assert len(recording.times_s) == 39
    assert recording.times_s[-1] == pytest.approx(1.267, abs=1e-3)
    assert way == pytest.approx(1.239, abs=1e-3)
    assert recording.loop == "wrap"

    clip = read(path, walker)
    scale = leg_length(walker) / recording.leg_length_m
    assert clip.speed_mps == pytest.approx(0.98 * np.sqrt(scale), abs=0.01)
    degrees = np.degrees(clip.joint_angles_rad)
    for side in "rl":
        knee, hip = (degrees[:, walker.joint_names.index(f"{name}_{side}")] for name in ("knee_flexion", "hip_flexion"))
        assert (knee.min(), knee.max()) == (pytest.approx(4, abs=1.5), pytest.approx(78, abs=1.5))
        assert (hip.min(), hip.max()) == (pytest.approx(-9, abs=1.5), pytest.approx(33, abs=1.5))
    assert (np.abs(clip.root_position_w[-1, 1:] - clip.root_position_w[0, 1:]) < 1e-12).all()
    reference = ReferenceTrajectory(clip, walker)
    assert np.abs(reference.at_phase(np.linspace(0, 1, 50)).clearance_m).max() < 0.03
    # The recorded loop does not quite close; the reference's does.
    gaps = np.degrees(assess(reference, walker).seam_gap_rad)
    assert walker.joint_names[gaps.argmax()].startswith("hip_adduction_")
    assert gaps.max() == pytest.approx(7.5, abs=0.1)
    start, end = reference.at_phase(np.array([0.0, 1.0])).joint_angles_rad
    np.testing.assert_allclose(end, start, rtol=0, atol=1e-12)
