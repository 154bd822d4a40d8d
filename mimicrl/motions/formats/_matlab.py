"""Cells of numbers from MATLAB 5 files, read by `scipy.io.loadmat` in a process of its own.

`loadmat` runs nothing that a file says, but damaged bytes can make it read memory that is not its own, recurse until
the stack is full, or ask for any amount of memory. That ends the child process only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat

from mimicrl import isolated
from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array

_MAX_MEMORY_BYTES = 2**31
_TIMEOUT_S = 60.0
# What to say of a file whose reader ended without a result, and what to do about it.
_SAVE_AGAIN = "save it again: in MATLAB with -v7, in Python with scipy.io.savemat"
_ENDS = {
    isolated.TimedOut: ("reading the file takes too long", _SAVE_AGAIN),
    isolated.OutOfMemory: ("reading the file takes too much memory", "keep fewer cells; save it again if it is small"),
    isolated.Crashed: ("the file is damaged: reading it crashed", _SAVE_AGAIN),
    isolated.Failed: ("not a MATLAB 5 file that can be read", _SAVE_AGAIN),
}


def read_cells(path: Path, variable: str) -> list[Array]:
    """Read a row of cells, each a matrix of real numbers, or cells of one real number each.

    Returns:
        The matrices, each of the shape that it has in the file.

    Raises:
        MotionError: The file is no MATLAB 5 file, too large or damaged, or the variable is no such row.
    """
    limits = {"seconds": _TIMEOUT_S, "memory_bytes": _MAX_MEMORY_BYTES}
    try:
        return isolated.run(f"{__name__}:load", str(path), variable, **limits)
    except isolated.NoResult as error:
        what, fix = _ENDS[type(error)]
        raise MotionError(what, where=path, got=error, fix=fix) from error


def load(path: str, variable: str) -> list[Array]:
    """Read a row of cells, as `read_cells` does, in a process that it may crash."""
    found: Any = loadmat(path, variable_names=[variable], appendmat=False).get(variable)
    if not _is_array(found, "O"):
        names = [name for name in loadmat(path, appendmat=False) if not name.startswith("__")]
        # SciPy names None what it cannot look into.
        present = ", ".join("an object, such as a table" if name == "None" else name for name in names)
        got = _kind(found) if variable in names else present or "no variable"
        raise MotionError("the file has no such cells", where=path, got=got, expected=f"a variable {variable} of cells")
    if found.ndim != 2 or found.shape[0] != 1:
        where = f"{path}, {variable}"
        raise MotionError("the cells are no row", where=where, got=found.shape, expected="(1, any number)")
    # Places are named as MATLAB counts, from 1.
    return [_matrix(cell, f"{path}, {variable}{{{index}}}") for index, cell in enumerate(found[0], start=1)]


def _matrix(cell: Any, where: str) -> Array:
    if _is_array(cell, "O"):
        for place, entry in np.ndenumerate(cell):
            if not _is_array(entry, "biuf") or entry.shape != (1, 1):
                where += f"({', '.join(str(index + 1) for index in place)})"
                raise MotionError("a cell holds something other than one number", where=where, got=_kind(entry))
        # Columns one after another, as MATLAB stores matrices.
        cell = np.array([entry.item() for entry in cell.T.flat], np.float64).reshape(cell.shape, order="F")
    if not _is_array(cell, "biuf"):
        raise MotionError("a cell holds something other than real numbers", where=where, got=_kind(cell))
    return cell.astype(np.float64)


def _is_array(value: Any, kinds: str) -> bool:
    # A MatlabFunction, MatlabObject or MatlabOpaque is of a subclass of NumPy's array.
    return type(value) is np.ndarray and value.dtype.kind in kinds


def _kind(value: Any) -> str:
    kind = value.dtype.type if type(value) is np.ndarray else type(value)
    return f"{kind.__name__} of shape {np.shape(value)}"
