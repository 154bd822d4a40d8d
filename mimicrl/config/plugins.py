"""Terms that a study defines itself: its `plugins` names Python files inside the study's folder.

Reading such a study runs their code, and says so. Nothing is registered: `mimicrl.config.models.composed` makes types
of the configuration that know the terms, for this study alone. A policy, a motion and a report never load a plugin.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from mimicrl import artifacts
from mimicrl.errors import ConfigError
from mimicrl.mdp.terms import Term

FOLDER = "plugins"
"""Where a run's directory keeps its copies."""
REFUSED = "MIMICRL_NO_PLUGINS"
"""The variable that refuses all plugins where it is set; ``mimicrl --no-plugins`` sets it."""
_PREFIX = "mimicrl_plugin_"
_CORRECT = "correct the plugin"


def load(names: Sequence[str], folder: Path) -> tuple[ModuleType, ...]:
    """Run plugins and return them as modules; a file that this process has run already is not run again.

    Args:
        names: Files, relative to `folder`.
        folder: The folder that they must lie in.

    Raises:
        ConfigError: A plugin is refused, missing, outside of the folder, fails or defines no term.
    """
    return tuple(_load(name, folder) for name in names)


def is_of_plugin(term: type[Term]) -> bool:
    """Return whether a plugin defines a term."""
    return term.__module__.startswith(_PREFIX)


def fault(term: type[Term], what: str, got: object, expected: object) -> ConfigError:
    """Return the error for a plugin's term that breaks a rule; it names file and line of the term's class."""
    file, line = inspect.getsourcefile(term), inspect.getsourcelines(term)[1]
    return ConfigError(what, where=f"{file}:{line}", got=got, expected=expected, fix=_CORRECT)


def blame(error: BaseException) -> ConfigError | None:
    """Return an error that names file and line if a plugin of this process raised or passed on `error`, else None."""
    files = {module.__file__ for name, module in sys.modules.items() if name.startswith(_PREFIX)}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    if isinstance(error, SyntaxError) and error.filename in files:
        where = f"{error.filename}:{error.lineno}"
    elif frames:
        where = f"{frames[-1].filename}:{frames[-1].lineno}"
    else:
        return None
    return ConfigError("a plugin failed", where=where, got=f"{type(error).__name__}: {error}", fix=_CORRECT)


def _load(name: str, folder: Path) -> ModuleType:
    path = folder / name
    if os.environ.get(REFUSED):
        raise ConfigError("plugins are refused", where=path, fix="leave out --no-plugins to run its code")
    plain = not Path(name).is_absolute() and ".." not in Path(name).parts
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError("a plugin lies outside of its folder", where=path, expected=f"a file inside {folder}")
    if not path.is_file():
        raise ConfigError("there is no such plugin", where=path, fix="paths are relative to the study's file")
    digest = artifacts.file_sha256(path)
    key = f"{_PREFIX}{artifacts.sha256(str(path.resolve()).encode())[:8]}_{digest[:16]}"
    if key in sys.modules:
        return sys.modules[key]
    sys.stderr.write(f"runs code of {path} (sha256 {digest})\n")
    spec = importlib.util.spec_from_file_location(key, path)
    if spec is None or spec.loader is None:
        raise ConfigError("a plugin is no Python file", where=path, expected="a name that ends with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module  # where pydantic looks the annotations' names up
    try:
        spec.loader.exec_module(module)
        _check(module, path)
    except BaseException as error:
        problem = error if isinstance(error, ConfigError) else blame(error)
        del sys.modules[key]
        if problem is None or not isinstance(error, Exception):
            raise
        raise problem from error
    return module


def _check(module: ModuleType, path: Path) -> None:
    """Refuse a plugin that has no terms, or a term that lacks methods."""
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    for term in own:
        lacking = sorted(getattr(term, "__abstractmethods__", ()))
        if issubclass(term, Term) and lacking:
            raise fault(term, "a plugin's term is not whole", f"no {', '.join(lacking)}", "these methods")
    if not any(issubclass(value, Term) for value in own):
        raise ConfigError("a plugin defines no term", where=path, expected="a class derived from a term's base")
