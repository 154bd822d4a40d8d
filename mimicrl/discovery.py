"""Find what a folder of the package holds. To add a thing, add a file; no list has to name it."""

from __future__ import annotations

import pkgutil
import sys
from importlib import import_module
from types import ModuleType
from typing import TypeVar

Kind = TypeVar("Kind")


def modules(package: str) -> list[ModuleType]:
    """Return the modules in the folder of an imported package, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(sys.modules[package].__path__))
    return [import_module(f"{package}.{name}") for name in names]


def classes(kind: type[Kind], *modules: ModuleType) -> list[type[Kind]]:
    """Return the concrete classes of a kind that modules define, in the order of their definition."""
    return [
        found
        for module in modules
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, kind)
        and found.__module__ == module.__name__
        and not getattr(found, "__abstractmethods__", None)
    ]


def one_per_file(kind: type[Kind], package: str) -> dict[str, type[Kind]]:
    """Return the classes of a kind in the folder of a package, by the name of their file.

    The file that defines `kind` itself does not count.

    Raises:
        TypeError: A file defines none of the kind, or several.
    """
    found: dict[str, type[Kind]] = {}
    for module in modules(package):
        if module.__name__ == kind.__module__:
            continue
        defined = classes(kind, module)
        if len(defined) != 1:
            raise TypeError(f"{module.__file__} must define one {kind.__name__}, got {len(defined)}")
        found[module.__name__.rpartition(".")[2]] = defined[0]
    return found
