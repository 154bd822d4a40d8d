"""The steps of the pipeline: one file and one verb each, found by looking into this folder.

A stage reads files, calls functions of arrays and tables, and writes files. Each stage of the workflow has one rule in
``workflow/rules``. Heavy imports are inside the verbs, so that ``mimicrl --help`` answers at once.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import Any

from mimicrl.stages.stage import PANELS, Panel

_SHARED = {"options", "stage"}
"""Modules that the stages share."""


def verbs() -> list[tuple[Panel, Callable[..., Any]]]:
    """Return each stage's verb, the function that its file is named after, with its group in ``mimicrl --help``."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if module.name not in _SHARED]
    found = [getattr(import_module(f"{__name__}.{name}"), name) for name in names]
    return [(panel, verb) for panel in PANELS for verb in found if verb.panel == panel]
