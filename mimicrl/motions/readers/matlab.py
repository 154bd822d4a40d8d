"""Cells of numbers from MATLAB 5 files, read by `scipy.io.loadmat` in a process of its own.

`loadmat` runs nothing that a file says, but damaged bytes can make it read memory that is not its own, recurse until
the stack is full, or ask for any amount of memory. That ends the child process only.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array

# Of the file, and of the numbers in it.
MAX_BYTES = 2**28
_MAX_MEMORY_BYTES = 2**31
_TIMEOUT_S = 60.0
_SAVE_AGAIN = "save it again: in MATLAB with -v7, in Python with scipy.io.savemat"
# What a child exits with after it told, in the last line of its standard error, what is wrong with the file.
_REFUSED = 3
_LOAD = """
import contextlib, json, sys
import numpy as np
from scipy.io import loadmat, whosmat
from scipy.sparse import issparse

path, variable = sys.argv[1:3]
refused, max_bytes, max_memory_bytes = map(int, sys.argv[3:])

def refuse(what, **details):
    print(json.dumps({"what": what, **details}), file=sys.stderr)
    sys.exit(refused)

def kind(value):
    if type(value) is np.ndarray:
        return {"O": "cell", "V": "struct", "U": "char", "c": "complex"}.get(value.dtype.kind, "numeric")
    # Else it is a MatlabFunction, MatlabObject or MatlabOpaque.
    return "sparse" if issparse(value) else type(value).__name__.removeprefix("Matlab").lower()

def present():
    try:
        return ", ".join(f"{name!r} ({what})" for name, _, what in whosmat(path, appendmat=False)) or "no variable"
    except TypeError:  # by one that has no shape
        return "variables of which one is opaque, such as a table"

def matrix(value, where):
    if kind(value) not in ("cell", "numeric"):
        refuse("a cell holds something other than real numbers", where=where, got=kind(value))
    if kind(value) == "numeric":
        return value.astype(np.float64)
    for place, entry in np.ndenumerate(value):
        if kind(entry) != "numeric" or entry.shape != (1, 1):
            where += f"({', '.join(str(index + 1) for index in place)})"
            got = f"{kind(entry)} of shape {np.shape(entry)}"
            refuse("a cell holds something other than real numbers", where=where, got=got, expected="one number")
    # Columns one after another, as MATLAB stores matrices.
    return np.array([entry.item() for entry in value.T.flat], np.float64).reshape(value.shape, order="F")

with contextlib.suppress(ImportError, OSError, ValueError):  # not every system has these limits
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
try:
    found = loadmat(path, variable_names=[variable], appendmat=False).get(variable)
    if kind(found) != "cell":
        refuse("the file has no such cells", got=present(), expected=f"a variable {variable} of cells")
    if found.ndim != 2 or found.shape[0] != 1:
        refuse("the cells are no row", where=variable, got=str(found.shape), expected="(1, any number)")
    # Places are named as MATLAB counts, from 1.
    cells = [matrix(cell, f"{variable}{{{index}}}") for index, cell in enumerate(found[0], start=1)]
    if sum(cell.nbytes for cell in cells) > max_bytes:
        raise MemoryError
    np.savez(sys.stdout.buffer, *cells)
except MemoryError:
    refuse("reading the file takes too much memory", fix="keep fewer cells; save it again if it is small")
"""


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
    limits = map(str, (_REFUSED, MAX_BYTES, _MAX_MEMORY_BYTES))
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _LOAD, str(path), variable, *limits],
            # Each thread would take its share of the memory.
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        got = f"no end within {_TIMEOUT_S:g} s"
        raise MotionError("reading the file takes too long", where=path, got=got, fix=_SAVE_AGAIN) from error
    last_word = done.stderr.decode(errors="replace").strip().rpartition("\n")[-1]
    if done.returncode == _REFUSED:
        told = json.loads(last_word)
        raise MotionError(**told | {"where": f"{path}, {told['where']}" if "where" in told else path})
    if done.returncode < 0:
        crash = signal.Signals(-done.returncode).name
        raise MotionError("the file is damaged: reading it crashed", where=path, got=crash, fix=_SAVE_AGAIN)
    if done.returncode:
        raise MotionError("not a MATLAB 5 file that can be read", where=path, got=last_word, fix=_SAVE_AGAIN)
    with np.load(io.BytesIO(done.stdout), allow_pickle=False) as cells:
        return [cells[name] for name in cells.files]
