"""What tests share besides fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import imageio_ffmpeg
import numpy as np

# An experiment that trains within a second.
TINY: dict[str, Any] = {
    "training": {
        "total_timesteps": 128,
        "n_envs": 4,
        "n_steps": 32,
        "batch_size": 64,
        "net_arch": {"pi": [16, 16], "vf": [16, 16]},
        "save_freq": 128,
    },
    "evaluation": {"eval_freq": 128, "episodes": 4, "seconds": 0.5},
    "logging": {"tensorboard": False},
}

# A study's own terms: a penalty that is off by default, what the policy did last, and a reason to end.
PLUGIN = '''"""Terms of a study's own."""

import numpy as np

from mimicrl.mdp.terms import ObservationTerm, PenaltyTerm, Row, TerminationTerm
from mimicrl.schema import Positive


class Effort(PenaltyTerm):
    """Squared actions."""

    def cost(self, view):
        return np.einsum("ij,ij->i", view.action, view.action)


class LastAction(ObservationTerm):
    """The last action."""

    enabled: bool = False
    """Whether the policy sees it."""

    def rows(self, walker):
        return [Row("last action", "1", name, -1, 1) for name in walker.joint_names]

    def compute(self, view):
        return view.action

    def mirror(self, walker):
        return walker.mirror_index, walker.mirror_sign


class Sideways(TerminationTerm):
    """The root is far beside the line."""

    limit_m: Positive = 5.0
    """How far [m]."""

    def holds(self, view):
        return np.abs(view.state.root_position_w[:, 1]) > self.limit_m

    def meaning(self):
        return f"the root is more than {self.limit_m:g} m beside the line"
'''


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of the error stream."""
        return self.err.rstrip("\n").splitlines()[-1]


def read_video(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Return what ffmpeg says of a video, and its pictures, uint8, shape ``(N, height, width, 3)``."""
    frames = imageio_ffmpeg.read_frames(str(path))
    about = next(frames)
    width, height = about["size"]
    return about, np.array([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames])


BROKEN_EGL = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent"}


def broken_osmesa(folder: Path) -> dict[str, str]:
    """Return the environment of a process that finds no OSMesa that can be loaded, installed or not."""
    for ending in ("", *(f".{version}" for version in range(10))):
        (folder / f"libOSMesa.so{ending}").write_text("not a library")
    return {"LD_LIBRARY_PATH": str(folder)}
