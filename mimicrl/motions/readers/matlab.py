"""Cells of numbers from MATLAB 5 files, read by `scipy.io.loadmat` in a process of its own.

`loadmat` runs nothing that a file says, but damaged bytes can make it read memory that is not its own, recurse until
the stack is full, or ask for any amount of memory. That ends the child process only.
"""

from __future__ import annotations

from pathlib import Path

from mimicrl import isolated
from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array

# Of the file, and of the numbers in it.
MAX_BYTES = 2**28
_MAX_MEMORY_BYTES = 2**31
_TIMEOUT_S = 60.0
_SAVE_AGAIN = "save it again: in MATLAB with -v7, in Python with scipy.io.savemat"


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
            "mimicrl.motions.readers.matlab_cells:load",
            str(path),
            variable,
            MAX_BYTES,
            seconds=_TIMEOUT_S,
            memory_bytes=_MAX_MEMORY_BYTES,
        )
    except isolated.OutOfMemory as error:
        fix = "keep fewer cells; save it again if it is small"
        raise MotionError("reading the file takes too much memory", where=path, fix=fix) from error
    except isolated.TimedOut as error:
        raise MotionError("reading the file takes too long", where=path, got=error, fix=_SAVE_AGAIN) from error
    except isolated.Crashed as error:
        what = "the file is damaged: reading it crashed"
        raise MotionError(what, where=path, got=error, fix=_SAVE_AGAIN) from error
    except isolated.Failed as error:
        raise MotionError("not a MATLAB 5 file that can be read", where=path, got=error, fix=_SAVE_AGAIN) from error
