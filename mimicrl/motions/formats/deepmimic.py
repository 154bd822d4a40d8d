"""DeepMimic humanoid motions (JSON).

Format: Peng et al., *DeepMimic*, ACM TOG 37(4), 2018, and its released code. Each frame holds its duration, the root
pose and twelve joints. Spherical joints are quaternions wxyz of the child in its parent, revolute ones an angle
about z. Axes are x forward, y up, z right.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.geometry.rotations import Array
from mimicrl.motions.checks import check_finite, check_unit_length
from mimicrl.motions.formats import head
from mimicrl.motions.retarget import Recording

WHAT = "DeepMimic humanoid motion"
ENDINGS = (".txt", ".json")
LOOKS_FOR = 'a JSON object with a list "Frames"'

COLUMNS = 44
_ROOT_POSITION = slice(1, 4)
_ROOT_QUAT = slice(4, 8)
_SPHERICAL = {
    "chest": slice(8, 12),
    "neck": slice(12, 16),
    "hip_r": slice(16, 20),
    "ankle_r": slice(21, 25),
    "shoulder_r": slice(25, 29),
    "hip_l": slice(30, 34),
    "ankle_l": slice(35, 39),
    "shoulder_l": slice(39, 43),
}
_REVOLUTE = {"knee_r": 20, "elbow_r": 29, "knee_l": 34, "elbow_l": 43}
# Hip to knee and knee to ankle of the released humanoid3d character [m].
_LEG_LENGTH_M = 0.421546 + 0.409870


def sniff(path: Path) -> bool:
    """Return whether a file looks like a JSON object with the key."""
    content = head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    return content.startswith(b"{") and b'"Frames"' in content


def read(path: Path) -> Recording:
    """Read a file.

    Raises:
        MotionError: It is no JSON, has another layout, a number that is not finite, or fewer than two frames.
    """
    frames, loop = _parse(path)
    durations = frames[:-1, 0]
    if np.any(durations <= 0):
        frame = int(np.argmax(durations <= 0))
        got = f"a duration of {durations[frame]:g} s"
        raise MotionError("times must rise", where=f"{path.name}, frame {frame}", got=got)
    joints = {name: _z_up_quat(frames[:, columns], f"{path.name}, {name}") for name, columns in _SPHERICAL.items()}
    for name, column in _REVOLUTE.items():
        # The file's z axis points right, which is -y here.
        joints[name] = rotations.from_axis_angle((0.0, -1.0, 0.0), frames[:, column])
    return Recording(
        name=path.stem,
        times_s=np.concatenate([[0.0], np.cumsum(durations)]),
        root_position_w=_z_up(frames[:, _ROOT_POSITION]),
        root_quat_w=_z_up_quat(frames[:, _ROOT_QUAT], f"{path.name}, root"),
        rotations=joints,
        leg_length_m=_LEG_LENGTH_M,
        loop=loop,  # type: ignore[arg-type]  # the clip checks it
    )


def _parse(path: Path) -> tuple[Array, str]:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise MotionError("not a DeepMimic motion: no JSON", where=path, got=error) from error
    rows = document.get("Frames") if isinstance(document, dict) else None
    if not isinstance(rows, list) or len(rows) < 2:
        raise MotionError("not a DeepMimic motion", where=path, got="fewer than two frames", expected='a list "Frames"')
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != COLUMNS:
            where, got = f"{path}, frame {index}", len(row) if isinstance(row, list) else row
            what, expected = "a frame has the wrong number of columns", f"{COLUMNS}, the humanoid's"
            raise MotionError(what, where=where, got=got, expected=expected)
    try:
        frames = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise MotionError("a frame holds something other than numbers", where=path, got=error) from error
    check_finite(frames, lambda frame, column: f"{path}, frame {frame}, column {column}")
    return frames, str(document.get("Loop", "none"))


def _z_up(vectors: Array) -> Array:
    """Turn vectors from (forward, up, right) to (forward, left, up) axes."""
    return np.stack([vectors[:, 0], -vectors[:, 2], vectors[:, 1]], axis=1)


def _z_up_quat(quats: Array, where: str) -> Array:
    check_unit_length(quats, lambda frame: f"{where}, frame {frame}")
    return rotations.normalize(np.concatenate([quats[:, :1], _z_up(quats[:, 1:])], axis=1))
