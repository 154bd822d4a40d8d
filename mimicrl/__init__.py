"""mimicrl: turn a motion clip of a walking person into a simulated walker that walks in the same way.

If Gymnasium is imported first, ``import mimicrl`` registers the environments. ``import mimicrl.envs`` registers them in
any order. ``gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`` needs no import of ``mimicrl``. This module imports
nothing slow.
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

# Gymnasium brings NumPy, which reads how many threads it may take when it is imported: not before the command line has
# said so, nor in the jobs of Snakemake, which take the configuration only.
if "gymnasium" in sys.modules:
    importlib.import_module("mimicrl.envs")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mimicrl' has no attribute '{name}'")
    return getattr(importlib.import_module(_LAZY[name]), name)
