"""The lock of a run: one process trains in it, or writes its configuration, at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from mimicrl import artifacts, machine
from mimicrl.errors import MachineError, RunLocked


@contextlib.contextmanager
def hold(path: Path, verb: str) -> Iterator[None]:
    """Hold a run's lock; the system releases it however the process ends.

    Args:
        path: The lock's file.
        verb: The command that holds it, such as ``mimicrl train``.

    Raises:
        MachineError: The lock cannot be written or taken.
        RunLocked: Another process trains in this run, or writes its configuration.
    """
    with artifacts.machine_errors(path):
        file = path.open("a+", encoding="utf-8")
    with file:
        _take(file, path)
        with artifacts.machine_errors(path):
            file.truncate(0)
            # Not through the file's buffer, which would be tried again when the file is closed.
            owner = f"{verb} on host {machine.host()}, process {os.getpid()}, since {machine.now()}\n"
            os.write(file.fileno(), owner.encode())
        yield


def _take(lock: TextIO, path: Path) -> None:
    """Take a run's lock until the file is closed. The error names the process that has the lock."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        raise RunLocked(
            "another process works in this run",
            where=path.parent,
            got=lock.read().strip() or "an unnamed owner",
            fix="wait for it or stop it",
        ) from error
    except OSError as error:
        raise MachineError(
            "the lock of a run cannot be taken",
            where=path,
            got=error.strerror,
            fix="put the results on a file system that has locks",
        ) from error
