"""mimicrl: from a motion clip of a person walking to a simulated walker that walks like that.

Importing the package makes ``gymnasium.make("mimicrl/Walker3D-v0")`` work. It imports neither PyTorch nor pandas, and
leaves Gymnasium and MuJoCo until they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mimicrl import registration

if TYPE_CHECKING:
    from mimicrl.api import train
    from mimicrl.policy import Policy

__version__ = "0.1.0"
__all__ = ["Policy", "__version__", "train"]

_LAZY = {"train": "mimicrl.api", "Policy": "mimicrl.policy"}

registration.register_with_gymnasium()


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'mimicrl' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
