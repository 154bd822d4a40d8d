"""mimicrl: from a motion clip of a person walking to a simulated walker that walks like that.

After ``import gymnasium``, importing the package makes ``gymnasium.make("mimicrl/Walker3D-v0")`` work. In any order
``import mimicrl.envs`` does, and ``gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`` needs no import.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimicrl.api import train
    from mimicrl.policy import Policy

__version__ = "0.1.0"
__all__ = ["Policy", "__version__", "train"]

_LAZY = {"train": "mimicrl.api", "Policy": "mimicrl.policy"}

# Snakemake imports `mimicrl.config`, and this file with it, in every job: nothing slow may be imported here.
if "gymnasium" in sys.modules:
    importlib.import_module("mimicrl.envs")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mimicrl' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)
