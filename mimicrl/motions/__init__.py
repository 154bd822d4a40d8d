"""Motions: clips, where they come from, and the reference trajectory a walker follows.

Importing the package imports nothing else, so that configuration and command line can name its defaults.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimicrl.motions.clip import MotionClip
    from mimicrl.motions.reference import ReferenceTrajectory

__all__ = ["MotionClip", "ReferenceTrajectory"]

_LAZY = {"MotionClip": "clip", "ReferenceTrajectory": "reference"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
