"""Cells of numbers from MATLAB 5 files, read by `scipy.io.loadmat` in a process of its own.

`loadmat` runs nothing that a file says, but damaged bytes can make it read memory that is not its own, recurse until
the stack is full, or ask for any amount of memory. That ends the child process only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, whosmat
from scipy.sparse import issparse

from mimicrl import isolated
from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array

# Of the file, and of the numbers in it.
MAX_BYTES = 2**28
_MAX_MEMORY_BYTES = 2**31
_TIMEOUT_S = 60.0
_SAVE_AGAIN = "save it again: in MATLAB with -v7, in Python with scipy.io.savemat"
_ENDS = {
    isolated.TimedOut: "reading the file takes too long",
    isolated.Crashed: "the file is damaged: reading it crashed",
    isolated.Failed: "not a MATLAB 5 file that can be read",
}
_KINDS = {"O": "cell", "V": "struct", "U": "char", "c": "complex"}
_FOREIGN = "a cell holds something other than real numbers"


def read_cells(path: Path, variable: str) -> list[Array]:
    """Read a row of cells, each a matrix of real numbers, or cells of one real number each.

    Returns:
        The matrices, each of the shape that it has in the file.

    Raises:
        MotionError: The file is too large, no MATLAB 5 file or damaged, or the variable is no such row.
    """
    if path.stat().st_size > MAX_BYTES:
        most = f"at most {MAX_BYTES / 2**20:g} MiB"
        raise MotionError("the file is too large", where=path, expected=most, fix="keep fewer cells")
    try:
        return isolated.run(
            "mimicrl.motions.formats._matlab:load",
            str(path),
            variable,
            MAX_BYTES,
            seconds=_TIMEOUT_S,
            memory_bytes=_MAX_MEMORY_BYTES,
        )
    except isolated.OutOfMemory as error:
        fix = "keep fewer cells; save it again if it is small"
        raise MotionError("reading the file takes too much memory", where=path, fix=fix) from error
    except isolated.NoResult as error:
        raise MotionError(_ENDS[type(error)], where=path, got=error, fix=_SAVE_AGAIN) from error


def load(path: str, variable: str, max_bytes: int) -> list[Array]:
    """Read a row of cells, as `read_cells` does, in a process that it may crash.

    Args:
        path: The file.
        variable: The row's name.
        max_bytes: How much memory the matrices may take.

    Raises:
        MemoryError: They take more.
        MotionError: The variable is no such row.
    """
    found: Any = loadmat(path, variable_names=[variable], appendmat=False).get(variable)
    if _kind(found) != "cell":
        raise MotionError(
            "the file has no such cells", where=path, got=_present(path), expected=f"a variable {variable} of cells"
        )
    if found.ndim != 2 or found.shape[0] != 1:
        where = f"{path}, {variable}"
        raise MotionError("the cells are no row", where=where, got=found.shape, expected="(1, any number)")
    # Places are named as MATLAB counts, from 1.
    cells = [_matrix(cell, f"{path}, {variable}{{{index}}}") for index, cell in enumerate(found[0], start=1)]
    if sum(cell.nbytes for cell in cells) > max_bytes:
        raise MemoryError
    return cells


def _kind(value: Any) -> str:
    if type(value) is np.ndarray:
        return _KINDS.get(value.dtype.kind, "numeric")
    # Else it is a MatlabFunction, MatlabObject or MatlabOpaque.
    return "sparse" if issparse(value) else type(value).__name__.removeprefix("Matlab").lower()


def _present(path: str) -> str:
    try:
        return ", ".join(f"{name!r} ({what})" for name, _, what in whosmat(path, appendmat=False)) or "no variable"
    except TypeError:  # by one that has no shape
        return "variables of which one is opaque, such as a table"


def _matrix(value: Any, where: str) -> Array:
    if _kind(value) not in ("cell", "numeric"):
        raise MotionError(_FOREIGN, where=where, got=_kind(value))
    if _kind(value) == "numeric":
        return value.astype(np.float64)
    for place, entry in np.ndenumerate(value):
        if _kind(entry) != "numeric" or entry.shape != (1, 1):
            where += f"({', '.join(str(index + 1) for index in place)})"
            got = f"{_kind(entry)} of shape {np.shape(entry)}"
            raise MotionError(_FOREIGN, where=where, got=got, expected="one number")
    # Columns one after another, as MATLAB stores matrices.
    return np.array([entry.item() for entry in value.T.flat], np.float64).reshape(value.shape, order="F")
