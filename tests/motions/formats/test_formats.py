"""Formats of motion files: found in their folder, chosen by content, and fitted to the walker."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mimicrl.errors import MotionError
from mimicrl.motions import MotionClip
from mimicrl.motions import formats as package
from mimicrl.motions.formats import formats, read
from mimicrl.motions.retarget import lay_out
from mimicrl.walkers import Walker

NAMES = ("walk.npz", "walk.txt", "walk")
# A format in one file: joint angles [deg] in columns, at 100 Hz, on a root that does not move.
TABLE = """
import csv
import numpy as np
from mimicrl.motions.clip import MotionClip

WHAT = "table of joint angles"
ENDINGS = (".csv",)
LOOKS_FOR = "a first line that begins with joints"


def sniff(path):
    return path.read_bytes().startswith(b"joints,")


def read(path):
    names, *rows = csv.reader(path.read_text().splitlines())
    return MotionClip(
        name=path.stem,
        times_s=np.arange(len(rows)) / 100,
        root_position_w=np.zeros((len(rows), 3)),
        root_quat_w=np.tile([1.0, 0.0, 0.0, 0.0], (len(rows), 1)),
        joint_names=tuple(names[1:]),
        joint_angles_rad=np.radians([[float(value) for value in row[1:]] for row in rows]),
        loop="none",
    )
"""


def archive(**arrays: np.ndarray) -> bytes:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def mat() -> bytes:
    content = io.BytesIO()
    savemat(content, {"rate": 1.0})
    return content.getvalue()


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules are formats, too."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "more")])
    (tmp_path / "more").mkdir()
    return tmp_path / "more"


def refusal(path: Path, walker: Walker) -> str:
    with pytest.raises(MotionError) as caught:
        read(path, walker)
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_clip_is_laid_out_for_the_walker_whatever_its_files_name(
    tmp_path: Path, clip: MotionClip, walker: Walker, name: str
) -> None:
    clip.save(tmp_path / name)
    got, expected = read(tmp_path / name, walker), lay_out(clip, walker)
    for field in ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad"):
        np.testing.assert_array_equal(getattr(got, field), getattr(expected, field))


@pytest.mark.fault(19)
def test_a_missing_file_is_named_with_what_lies_beside_it(tmp_path: Path, walker: Walker) -> None:
    for name in ("walk.txt", "run.txt", "walk.npz"):
        (tmp_path / name).touch()
    missing, elsewhere = tmp_path / "wlak.txt", tmp_path / "gone" / "walk.txt"
    assert refusal(missing, walker) == f"no such motion file — {missing} — beside it: run.txt, walk.txt"
    assert refusal(elsewhere, walker) == f"no such motion file — {elsewhere} — check the path"


UNKNOWN = {
    "an empty file": b"",
    "an archive of qpos.npy, fps.npy": archive(qpos=np.zeros(3), fps=np.array(30)),
    "a damaged archive": b"PK\x03\x04 and no more",
    "a Python pickle": b"\x80\x05K\x01.",
    "text that begins with 'HIERARCHY": b"HIERARCHY\nROOT Hips\n",
    'text that begins with \'{"Loop": "wrap"}\'': json.dumps({"Loop": "wrap"}).encode(),
    "binary data that begin with 01 00 02 00 03 00 04 00": np.arange(1, 9, dtype="<u2").tobytes(),
}


@pytest.mark.fault(19, 20)
@pytest.mark.parametrize("looks_like", UNKNOWN)
@pytest.mark.parametrize("ending", [".npz", ""])
def test_unknown_content_is_described_beside_what_the_formats_look_for(
    tmp_path: Path, walker: Walker, looks_like: str, ending: str
) -> None:
    path = tmp_path / f"walk{ending}"
    path.write_bytes(UNKNOWN[looks_like])
    text = refusal(path, walker)
    assert text.startswith(f"not a motion file of a known format — {path} — got {looks_like}")
    for form in formats().values():
        assert f"{form.WHAT}: {form.LOOKS_FOR}" in text


@pytest.mark.fault(19)
def test_a_folder_is_no_motion(tmp_path: Path, walker: Walker) -> None:
    assert refusal(tmp_path, walker).startswith(f"not a motion file of a known format — {tmp_path} — got a folder, ")


@pytest.mark.fault(19)
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, walker: Walker, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "walk.txt"
    path.touch()
    monkeypatch.setattr(Path, "open", forbidden)
    assert refusal(path, walker).startswith(f"the motion file cannot be read — {path} — got [Errno 13]")


CONTENTS = {"clip": archive(root_quat_w=np.zeros((1, 4))), "deepmimic": b' {"Frames": []}', "drloco": mat()}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_has_one_format(tmp_path: Path, name: str) -> None:
    (tmp_path / "walk").write_bytes(CONTENTS[name])
    assert [other for other, form in formats().items() if form.sniff(tmp_path / "walk")] == [name]


def test_a_format_is_one_file(tmp_path: Path, walker: Walker, extended: Path) -> None:
    (extended / "degrees_for_a_test.py").write_text(TABLE)
    (tmp_path / "steps").write_text("joints,knee_flexion_r,tail\n1,0,0\n2,90,0\n")
    clip = read(tmp_path / "steps", walker)
    np.testing.assert_allclose(clip.joint_angles_rad[:, walker.joint_names.index("knee_flexion_r")], [0, np.pi / 2])
    assert clip.name == "steps"
    assert "table of joint angles: a first line that begins with joints" in refusal(tmp_path, walker)


def test_a_file_that_two_formats_claim_is_refused_with_both(
    tmp_path: Path, clip: MotionClip, walker: Walker, extended: Path
) -> None:
    greedy = 'WHAT = "anything"\nENDINGS = ()\nLOOKS_FOR = "a file"\n\ndef sniff(path):\n    return True\n'
    (extended / "greedy_for_a_test.py").write_text(greedy)
    clip.save(tmp_path / "walk.npz")
    assert refusal(tmp_path / "walk.npz", walker).startswith(
        f"more than one format claims the motion file — {tmp_path / 'walk.npz'} — "
        "got clip (an npz archive with an array root_quat_w) and greedy_for_a_test (a file), expected one — "
    )
