"""Formats of motion files: one module each, found by looking into this folder and chosen by what a file contains.

A format is a module of this folder that has

* ``WHAT``: what its files are, in a few words,
* ``ENDINGS``: how its files usually end; a hint for people, which no code looks at,
* ``LOOKS_FOR``: what `sniff` recognises a file by,
* ``sniff(path)``: whether a file is of this format,
* ``read(path)``: the motion in a file, or a `MotionError` that says what is wrong with it.

Modules whose names begin with an underscore help a format and are none themselves.
"""

from __future__ import annotations

import importlib
import pkgutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from mimicrl.errors import MotionError
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.retarget import Recording, lay_out, retarget
from mimicrl.walkers.walker import Walker

_HEAD_BYTES = 2**16


class Format(Protocol):
    """A module of this folder, as described above."""

    WHAT: str
    ENDINGS: tuple[str, ...]
    LOOKS_FOR: str
    sniff: Callable[[Path], bool]
    read: Callable[[Path], Recording | MotionClip]


def formats() -> dict[str, Format]:
    """Return the known formats by the names of their modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return {name: cast(Format, importlib.import_module(f"{__name__}.{name}")) for name in names}


def head(path: Path) -> bytes:
    """Return the first 64 KiB of a file, for `sniff`."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def read(path: Path, walker: Walker) -> MotionClip:
    """Read a motion file and fit it to `walker`.

    Raises:
        MotionError: The file is missing, cannot be opened, has no known format or more than one, is malformed, or
            holds the motion of another body.
    """
    if not path.exists():
        near = sorted(entry.name for entry in path.parent.glob(f"*{path.suffix}"))[:8] if path.parent.is_dir() else []
        raise MotionError(
            "no such motion file", where=path, fix=f"beside it: {', '.join(near)}" if near else "check the path"
        )
    motion = _format(path).read(path)
    return lay_out(motion, walker) if isinstance(motion, MotionClip) else retarget(motion, walker)


def _format(path: Path) -> Format:
    """Return the one format that a file's content is of."""
    known = formats()
    try:
        claims = [name for name, form in known.items() if path.is_file() and form.sniff(path)]
        looks_like = _appearance(path)
    except OSError as error:
        raise MotionError("the motion file cannot be read", where=path, got=error) from error
    if not claims:
        raise MotionError(
            "not a motion file of a known format",
            where=path,
            got=looks_like,
            expected="; or ".join(f"{form.WHAT}: {form.LOOKS_FOR}" for form in known.values()),
        )
    if len(claims) > 1:
        raise MotionError(
            "more than one format claims the motion file",
            where=path,
            got=" and ".join(f"{name} ({known[name].LOOKS_FOR})" for name in claims),
            expected="one",
            fix="convert it to another format, and report this: one of these formats should look closer",
        )
    return known[claims[0]]


def _appearance(path: Path) -> str:
    """Return in words what a file looks like, for a message."""
    if not path.is_file():
        return "a folder" if path.is_dir() else "something that is no file"
    content = head(path)
    if not content:
        return "an empty file"
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return f"an archive of {', '.join(archive.namelist()[:8]) or 'nothing'}"
    for start, what in ((b"PK\x03\x04", "a damaged archive"), (b"\x80", "a Python pickle"), (b"\x89HDF", "HDF5 data")):
        if content.startswith(start):
            return what
    if b"\0" in content:
        return f"binary data that begin with {content[:8].hex(' ')}"
    return f"text that begins with {content.decode(errors='replace').strip()[:40]!r}"
