"""Cells of numbers from a MATLAB 5 file by `scipy.io.loadmat`, for a process that it may crash: see `matlab`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.io import loadmat, whosmat
from scipy.sparse import issparse

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array

_KINDS = {"O": "cell", "V": "struct", "U": "char", "c": "complex"}
_FOREIGN = "a cell holds something other than real numbers"


def load(path: str, variable: str, max_bytes: int) -> list[Array]:
    """Read a row of cells; see `mimicrl.motions.readers.matlab.read_cells`.

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
