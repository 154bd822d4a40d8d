"""Walkers: simulated bodies, one folder each. Importing the package does not import MuJoCo."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimicrl.walkers.walker import Walker, load

__all__ = ["Walker", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mimicrl.walkers' has no attribute '{name}'")
    return getattr(importlib.import_module("mimicrl.walkers.walker"), name)
