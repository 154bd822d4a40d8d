"""Human walking from published data: the curves, a walk generated from them, a motion compared with them.

Importing the package imports nothing else, so that configuration and command line can name its defaults.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mimicrl.motions.gait.generator import generate

__all__ = ["DEFAULT_SPEED_MPS", "SPEED_RANGE_MPS", "generate"]

SPEED_RANGE_MPS = (0.839, 1.95)
"""The slowest and the fastest published speed [m/s]."""
DEFAULT_SPEED_MPS = 1.25
"""Speed of the generated walk where none is given [m/s]: what adults choose."""


def __getattr__(name: str) -> Any:
    if name != "generate":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return importlib.import_module(f"{__name__}.generator").generate
