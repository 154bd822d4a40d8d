"""Registering the environments with Gymnasium, as soon as somebody imports Gymnasium.

Snakemake reads `mimicrl.config` in every job, on login nodes too; importing the package must not import Gymnasium.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

ENVIRONMENTS = {"mimicrl/Walker3D-v0": "mimicrl.envs.task:make_env"}


def register_with_gymnasium() -> None:
    """Register the environments now, or when Gymnasium is imported."""
    if "gymnasium" in sys.modules:
        _register()
    elif not any(isinstance(finder, _AfterGymnasium) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterGymnasium())


def _register() -> None:
    import gymnasium

    for name, entry_point in ENVIRONMENTS.items():
        if name not in gymnasium.registry:
            gymnasium.register(id=name, entry_point=entry_point)


class _AfterGymnasium(importlib.abc.MetaPathFinder):
    """Finds Gymnasium as Python would, and registers the environments once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Wrap the loader of Gymnasium; leave every other module alone."""
        if fullname != "gymnasium":
            return None
        # It comes back at once: whoever only asks whether Gymnasium is there does not load what was found.
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            sys.meta_path.insert(0, self)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_register(module: ModuleType) -> None:
                load(module)
                _register()

            spec.loader.exec_module = load_and_register  # type: ignore[method-assign]
        return spec
