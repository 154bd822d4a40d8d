"""mimicrl: from a motion clip of a person walking to a simulated walker that walks like that.

Importing the package registers its environments with Gymnasium. It imports neither MuJoCo nor PyTorch nor pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mimicrl import envs

if TYPE_CHECKING:
    from mimicrl.api import train
    from mimicrl.policy import Policy

__version__ = "0.1.0"
__all__ = ["Policy", "__version__", "envs", "train"]

_LAZY = {"train": "mimicrl.api", "Policy": "mimicrl.policy"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mimicrl' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)
