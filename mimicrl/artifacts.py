"""Writing files so that they are absent or whole, and naming what they contain.

Every file that a later step reads is written under a temporary name, flushed to disk and renamed into place.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimicrl import faultpoints
from mimicrl.errors import ArtifactError, MachineError

if TYPE_CHECKING:
    import pandas

_TEMPORARY = ".tmp-"
_AGAIN = "make it again with the verb that writes it"


def sha256(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(folder: Path, files: Iterable[Path]) -> str:
    """Return one hexadecimal SHA-256 of several files: of their paths below `folder`, and of their contents."""
    listing = "".join(f"{file.relative_to(folder)} {file_sha256(file)}\n" for file in sorted(files))
    return sha256(listing.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: afterwards it holds all of `data` or is as it was before.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.touch()
        faultpoints.reach("file.made")
        temporary.write_bytes(data)


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name and rename it to `path` when the block ends without an error.

    What an interrupted write of the same file left is removed first.

    Yields:
        The name to write to, beside `path` and with its ending.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    temporary = _temporary(path)
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, path.name)
        try:
            yield temporary
            faultpoints.reach("file.written")
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            faultpoints.reach("file.synced")
            temporary.replace(path)
            faultpoints.reach("file.renamed")
            _fsync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def json_bytes(value: Any) -> bytes:
    """Return indented JSON as the bytes of a file."""
    return (json.dumps(value, indent=2, allow_nan=False) + "\n").encode()


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically; see `write_bytes`."""
    write_bytes(path, json_bytes(value))


def parquet_bytes(table: pandas.DataFrame) -> bytes:
    """Return a table as the bytes of a Parquet file, equal for equal tables."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_parquet(path: Path, *columns: str) -> pandas.DataFrame:
    """Read a table of a run.

    Args:
        path: The file.
        columns: Names it must have, at least.

    Raises:
        ArtifactError: It is missing or damaged, or lacks columns.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # Without the machinery for data sets of many files, which takes longer than reading one of a few rows.
        with parquet.ParquetFile(path) as file:
            table = file.read(use_threads=False).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArtifactError("a table of the run cannot be read", where=path, got=problem, fix=_AGAIN) from error
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise ArtifactError("a table of the run lacks columns", where=path, expected=", ".join(lacking), fix=_AGAIN)
    return table


def write_if_changed(path: Path, data: bytes) -> bool:
    """Write a file only when its content would change, so that nothing that depends on it reruns.

    Returns:
        Whether it was written.
    """
    changed = not path.is_file() or path.read_bytes() != data
    if changed:
        write_bytes(path, data)
    return changed


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        ArtifactError: The file is missing or no JSON.
    """
    try:
        return parse_json(path.read_bytes(), path)
    except OSError as error:
        raise ArtifactError("a file of the run cannot be read", where=path, got=error.strerror) from error


def parse_json(data: bytes, path: Path) -> Any:
    """Parse the content of the JSON file at `path`.

    Raises:
        ArtifactError: It is no JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("not valid JSON", where=path, got=error) from error


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Fill a temporary directory and rename it to `path` when the block ends without an error.

    Yields:
        The directory to write into.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    temporary = _temporary(path)
    aside = temporary.with_name(f"{temporary.name}-old")
    with machine_errors(path):
        temporary.mkdir(parents=True)
        try:
            faultpoints.reach("directory.made")
            yield temporary
            faultpoints.reach("directory.written")
            for file in temporary.iterdir():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
            _fsync_directory(temporary)
            faultpoints.reach("directory.synced")
            # The old directory is moved away whole: a kill while removing it must not leave half of it in place.
            if path.exists():
                path.replace(aside)
            faultpoints.reach("directory.aside")
            temporary.replace(path)
            faultpoints.reach("directory.renamed")
            _fsync_directory(path.parent)
        finally:
            if aside.exists() and not path.exists():  # failed between the two renames
                aside.replace(path)
            for leftover in (temporary, aside):
                shutil.rmtree(leftover, ignore_errors=True)


def remove_directory(path: Path) -> None:
    """Remove a directory at once as far as readers can tell: it is renamed away first."""
    trash = _temporary(path)
    with machine_errors(path):
        path.replace(trash)
        faultpoints.reach("directory.trashed")
    shutil.rmtree(trash, ignore_errors=True)


def is_leftover(path: Path) -> bool:
    """Return whether an interrupted write may have left `path`."""
    return path.name.startswith(_TEMPORARY)


def sweep(directory: Path, name: str = "") -> None:
    """Remove what interrupted writes left in `directory`.

    Args:
        directory: The folder; it need not be there.
        name: The file that it should have become, where others may be writing beside it; by default any.
    """
    pattern = f"{_TEMPORARY}{8 * '[0-9a-f]'}-{glob.escape(name)}" if name else f"{_TEMPORARY}*"
    for leftover in directory.glob(pattern):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """Return a new name beside `path`."""
    return path.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}-{path.name}")


def _fsync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def machine_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors in the block into ones that name `path`.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise MachineError(
            "the disk is full" if full else "cannot write a file",
            where=path,
            got=error.strerror or error,
            fix="free some space and run again" if full else "check the path and its permissions",
        ) from error
