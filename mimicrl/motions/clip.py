"""A motion clip: what a body did, frame by frame, in the joint angles of a walker.

Clips are the one format between readers (or the gait generator) and the reference trajectory. On disk a clip is
an ``.npz`` file of plain arrays; no objects, nothing that could carry code.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mimicrl import artifacts
from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array
from mimicrl.motions.checks import check_finite, check_unit_length

Loop = Literal["wrap", "none"]

# A recorded loop closes only roughly; beyond this jump between its ends it is no loop.
MAX_SEAM_RAD = 0.35
_ARRAYS = ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad")


@dataclass(frozen=True, eq=False)
class MotionClip:
    """A motion of a free root and named hinges. Arrays are read-only; the constructor validates them.

    A wrapping clip (``loop="wrap"``) repeats: its last frame is its first one again, a cycle later and displaced.

    Attributes:
        name: What the clip is called in messages and reports.
        times_s: Rising times that start at 0 [s], shape ``(T,)``, T at least 2.
        root_position_w: Root position [m], shape ``(T, 3)``.
        root_quat_w: Root orientation, unit quaternions wxyz, shape ``(T, 4)``.
        joint_names: Names of the J hinges.
        joint_angles_rad: Their angles [rad], shape ``(T, J)``.
        loop: ``wrap`` or ``none``.

    Raises:
        MotionError: An array has the wrong shape or a non-finite number, time does not rise, a quaternion is not
            of unit length, or a wrapping clip does not close.
    """

    name: str
    times_s: Array
    root_position_w: Array
    root_quat_w: Array
    joint_names: tuple[str, ...]
    joint_angles_rad: Array
    loop: Loop

    def __post_init__(self) -> None:
        for field in _ARRAYS:
            array = np.array(getattr(self, field), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, field, array)
        object.__setattr__(self, "joint_names", tuple(self.joint_names))
        self._check_shapes()
        self._check_values()
        if self.loop == "wrap":
            self._check_seam()

    @property
    def duration_s(self) -> float:
        """Length of the clip, or of one cycle of it."""
        return float(self.times_s[-1])

    @property
    def speed_mps(self) -> float:
        """Net horizontal displacement over duration [m/s]."""
        displacement = self.root_position_w[-1, :2] - self.root_position_w[0, :2]
        return float(np.hypot(*displacement)) / self.duration_s

    def _check_shapes(self) -> None:
        frames = self.times_s.size
        if self.times_s.ndim != 1 or frames < 2:
            got = f"times of shape {self.times_s.shape}"
            raise MotionError("a clip needs at least two frames", where=self.name, got=got)
        if self.loop not in get_args(Loop):
            raise MotionError("unknown loop mode", where=self.name, got=self.loop, expected="wrap or none")
        expected = {
            "root_position_w": (frames, 3),
            "root_quat_w": (frames, 4),
            "joint_angles_rad": (frames, len(self.joint_names)),
        }
        for field, shape in expected.items():
            got = getattr(self, field).shape
            if got != shape:
                raise MotionError(f"{field} has the wrong shape", where=self.name, got=got, expected=shape)
        if len(set(self.joint_names)) != len(self.joint_names):
            raise MotionError("joint names repeat", where=self.name, got=", ".join(self.joint_names))

    def _check_values(self) -> None:
        for field in _ARRAYS:
            names = [f"joint {name}" for name in self.joint_names] if field == "joint_angles_rad" else [field] * 4
            check_finite(
                getattr(self, field),
                lambda frame, column=0, names=names: f"{self.name}, frame {frame}, {names[column]}",
            )
        wrong = np.diff(self.times_s, prepend=0.0) <= 0
        wrong[0] = self.times_s[0] != 0
        if wrong.any():
            frame = int(wrong.argmax())
            got = f"{self.times_s[frame]:g} s"
            raise MotionError("times must start at 0 and rise", where=f"{self.name}, frame {frame}", got=got)
        check_unit_length(self.root_quat_w, lambda frame: f"{self.name}, root_quat_w, frame {frame}", 1e-3)

    def _check_seam(self) -> None:
        gap = np.abs(self.joint_angles_rad[-1] - self.joint_angles_rad[0])
        if gap.size and gap.max() > MAX_SEAM_RAD:
            raise MotionError(
                "the clip wraps but its ends do not meet",
                where=f"{self.name}, joint {self.joint_names[int(gap.argmax())]}",
                got=f"a jump of {np.degrees(gap.max()):.1f}°",
                expected=f"at most {np.degrees(MAX_SEAM_RAD):.0f}°",
                fix="cut the clip at whole cycles, or set its loop mode to none",
            )

    def to_bytes(self) -> bytes:
        """Return the content of an ``.npz`` file; equal clips give equal bytes."""
        # np.savez would stamp the time of writing into the archive and change the clip's hash.
        arrays = {field: np.array(getattr(self, field)) for field in (*_ARRAYS, "joint_names", "loop", "name")}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for key, array in arrays.items():
                entry = io.BytesIO()
                np.lib.format.write_array(entry, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{key}.npy"), entry.getvalue())
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the clip to `path` (``.npz``), atomically."""
        artifacts.write_bytes(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> MotionClip:
        """Read a clip written by `save`.

        Raises:
            MotionError: The file is missing, damaged, or not a clip.
        """
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as data:
                return cls(
                    name=str(data["name"]),
                    joint_names=tuple(str(name) for name in data["joint_names"]),
                    loop=str(data["loop"]),  # type: ignore[arg-type]  # the constructor checks it
                    **{field: data[field] for field in _ARRAYS},
                )
        except FileNotFoundError as error:
            raise MotionError("no such motion file", where=path) from error
        except MotionError:
            raise
        except Exception as error:  # damaged bytes raise a dozen types from zipfile, zlib and NumPy's header parser
            raise MotionError("not a motion clip of this project", where=path, got=error) from error
