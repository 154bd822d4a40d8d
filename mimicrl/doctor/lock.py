"""Are the installed packages those of the lock?"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parents[1]
_LOCK = Path("containers", "requirements.lock")
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
_EXTRA = re.compile(r";.*\bextra\s*==")


def find() -> Path | None:
    """Return the lock of the checkout this package is in, or else of the one this process works in."""
    return next((folder / _LOCK for folder in (_PACKAGE.parent, Path.cwd()) if (folder / _LOCK).is_file()), None)


def compare(lock: Path | None = None) -> dict[str, Any] | None:
    """Compare what is installed with the lock.

    Packages of the lock that are not installed count where this one cannot do without.

    Args:
        lock: The lock, by default what `find` finds.

    Returns:
        The ``file``, how many packages were ``compared``, and the ``differences``: for each package its ``installed``
        and ``locked`` version. None where there is no lock.
    """
    file = lock or find()
    if file is None:
        return None
    required = _required()
    pins = {_normal(name): version for name, version in _PIN.findall(file.read_text(encoding="utf-8"))}
    installed = {name: _installed(name) for name in pins}
    there = [name for name in pins if installed[name] is not None or name in required]
    return {
        "file": str(file),
        "compared": len(there),
        "differences": {
            name: {"installed": installed[name], "locked": pins[name]}
            for name in there
            if (installed[name] or "").split("+")[0] != pins[name]  # 2.13.0+cpu is a build of 2.13.0
        },
    }


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _required() -> set[str]:
    """Return the packages that this one names as its own, without those of extras."""
    try:
        lines = metadata.requires("mimicrl") or []
    except metadata.PackageNotFoundError:  # it is run from a checkout
        return set()
    return {_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in lines if not _EXTRA.search(line)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
