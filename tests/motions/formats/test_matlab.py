"""Cells of numbers come back from a MATLAB file as they were; whatever else it holds or does is refused by name."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from scipy.io import savemat
from scipy.io.matlab import MatlabObject

from mimicrl.errors import MotionError
from mimicrl.motions.formats import _matlab as matlab

MATRIX = np.arange(12.0).reshape(3, 4) / 7
OBJECT = MatlabObject(np.zeros((1, 1), dtype=[("field", object)]), "timeseries")
KINDS = ["f8", "f4", "i1", "u2", "i4", "u8", "?"]
# Types of data elements and classes of variables of the format.
NAME, INT32, UINT32, MATRICES = 1, 5, 6, 14
CELL, OPAQUE = 1, 17


def row(*cells: Any) -> np.ndarray:
    """Return a row of cells, as `savemat` takes it."""
    data = np.empty((1, len(cells)), dtype=object)
    for index, cell in enumerate(cells):
        data[0, index] = cell
    return data


def write(folder: Path, content: bytes | dict[str, Any] | np.ndarray, *, compressed: bool = False) -> Path:
    """Write a file's bytes, its variables or those cells that are read."""
    path = folder / "x.mat"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        savemat(path, content if isinstance(content, dict) else {"Data": content}, do_compression=compressed)
    return path


def refusal(path: Path) -> str:
    """Return what is said of the file, with ``x.mat`` for its path."""
    with pytest.raises(MotionError) as caught:
        matlab.read_cells(path, "Data")
    return str(caught.value).replace(str(path), "x.mat")


def element(kind: int, content: bytes) -> bytes:
    """Return a data element: type, size, content, padding."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def opaque(name: bytes) -> bytes:
    """Return a variable as MATLAB stores a table: one without shape, but with three names."""
    names = b"".join(element(NAME, text) for text in (name, b"MCOS", b"table"))
    shape = element(INT32, struct.pack("<2i", 1, 1))
    number = (
        element(UINT32, struct.pack("<2I", 13, 0)) + shape + element(NAME, b"") + element(UINT32, b"\x01\x00\x00\x00")
    )
    return element(MATRICES, element(UINT32, struct.pack("<2I", OPAQUE, 0)) + names + element(MATRICES, number))


def before(path: Path, variable: bytes) -> Path:
    """Put a variable before the others of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:128] + variable + content[128:])
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_numbers_of_any_class_and_shape_come_back(tmp_path: Path, compressed: bool) -> None:
    rng = np.random.default_rng(0)
    shapes = [(1, 1), (1, 5), (3, 4), (2, 3, 2), (0, 0), (3, 0)]
    saved = [(100 * rng.normal(size=shape)).astype(kind) for kind, shape in itertools.product(KINDS, shapes)]
    mixed = MATRIX.astype(object)
    mixed[0] = [np.uint8(7), np.int64(-(2**53)), np.float32(0.1), np.nan]
    saved += [mixed, MATRIX.astype(object)]
    # Other variables do not matter.
    others = {"rate": 400.0, "note": [["text", 1j]], "one": {"a": OBJECT}}
    path = before(write(tmp_path, others | {"Data": row(*saved)}, compressed=compressed), opaque(b"t"))
    for cell, number in zip(matlab.read_cells(path, "Data"), saved, strict=True):
        assert cell.dtype == np.float64
        np.testing.assert_array_equal(cell, number.astype(np.float64), strict=True)


def cells(entry: object) -> np.ndarray:
    """Return cells of one number each, but for row 2, column 4."""
    found = MATRIX.astype(object)
    found[1, 3] = entry
    return row(MATRIX, found)


ABSENT = "the file has no such cells — x.mat — got {}, expected a variable Data of cells"
NOT_REAL = "a cell holds something other than real numbers — x.mat, Data{2} — got "
NOT_ONE = "a cell holds something other than one number — x.mat, Data{2}(2, 4) — got "
UNREADABLE = "not a MATLAB 5 file that can be read — x.mat — got "
REFUSED: dict[str, tuple[Any, str]] = {
    "text": (row(MATRIX, "left"), NOT_REAL + "str_ of shape (1,)"),
    "complex": (row(MATRIX, MATRIX + 1j), NOT_REAL + "complex128 of shape (3, 4)"),
    "object": (row(MATRIX, OBJECT), NOT_REAL + "MatlabObject of shape (1, 1)"),
    "sparse": (row(MATRIX, scipy.sparse.csc_array(MATRIX)), NOT_REAL + "csc_array of shape (3, 4)"),
    "text inside": (cells("left"), NOT_ONE + "str_ of shape (1,)"),
    "nothing inside": (cells(np.zeros((1, 0))), NOT_ONE + "float64 of shape (1, 0)"),
    "no variable": ({}, ABSENT.format("no variable")),
    "another name": ({"data": row(1.0), "a": MATRIX}, ABSENT.format("data, a")),
    "no cells": (MATRIX, ABSENT.format("float64 of shape (3, 4)")),
    "a column": (row(1.0, 2.0).T, "the cells are no row — x.mat, Data — got (2, 1), expected (1, any number)"),
    "empty file": (b"", UNREADABLE + "MatReadError: Mat file appears to be "),
    "HDF5": (b"MATLAB 7.3".ljust(124) + b"\x00\x02IM", UNREADABLE + "NotImplementedError: Please use HDF reader"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_anything_but_a_row_of_real_numbers_is_refused_by_name(tmp_path: Path, case: str) -> None:
    content, text = REFUSED[case]
    assert refusal(write(tmp_path, content)).startswith(text)


def test_an_opaque_variable_is_refused(tmp_path: Path) -> None:
    path = before(write(tmp_path, {"a": 1.0}), opaque(b"Data"))
    assert refusal(path) == ABSENT.format("an object, such as a table, a")


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_file_is_refused(tmp_path: Path, compressed: bool) -> None:
    content = write(tmp_path, row(MATRIX, MATRIX), compressed=compressed).read_bytes()
    text = refusal(write(tmp_path, content[: int(0.99 * len(content))]))
    assert text.startswith(UNREADABLE)
    assert text.endswith(f" — {matlab._SAVE_AGAIN}")


# Of a file with one matrix, uncompressed: bytes that are put at a place, and what becomes of it. Each is of the file's
# structure: type or size of an element, class or shape of a variable.
CRASH = "the file is damaged: reading it crashed — x.mat — got SIG"
DAMAGE: dict[str, tuple[int, bytes, str]] = {
    "a type that does not exist": (224, b"\x00", CRASH),
    "4 GiB of numbers": (228, b"\xff\xff\xff\xff", "reading the file takes too much memory — x.mat — keep fewer"),
    "a name of other letters": (172, b"\n\xff", ABSENT.format("\nÿta")),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_ends_no_process_but_the_reader(tmp_path: Path, case: str) -> None:
    place, token, text = DAMAGE[case]
    content = write(tmp_path, row(MATRIX)).read_bytes()
    assert refusal(write(tmp_path, content[:place] + token + content[place + len(token) :])).startswith(text)


def test_cells_in_cells_without_end_are_refused(tmp_path: Path) -> None:
    header = element(UINT32, struct.pack("<2I", CELL, 0)) + element(INT32, struct.pack("<2i", 1, 1))
    inner = struct.pack("<2I", MATRICES, 1) + header + element(NAME, b"")
    content = write(tmp_path, {}).read_bytes() + element(MATRICES, header + element(NAME, b"Data") + 200_000 * inner)
    assert refusal(write(tmp_path, content)).startswith((CRASH, UNREADABLE))


def test_a_reader_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab, "_TIMEOUT_S", 0.01)
    text = f"reading the file takes too long — x.mat — got no end within 0.01 s — {matlab._SAVE_AGAIN}"
    assert refusal(write(tmp_path, row(MATRIX))) == text
