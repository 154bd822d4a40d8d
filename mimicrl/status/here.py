"""What this host knows of trainers: which locks are held on it. Looking at a lock does not take it."""

from __future__ import annotations

import contextlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from mimicrl import provenance

_HELD = re.compile(r" (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) \d+ \w+$", re.MULTILINE)


class Here(NamedTuple):
    """This host at one moment.

    Attributes:
        host: Its name.
        now: The time.
        locks: Process, major and minor number of the device, and inode of each lock; None where the system does not
            tell, as outside of Linux.
    """

    host: str
    now: datetime
    locks: frozenset[tuple[int, int, int, int]] | None

    def holds(self, lock: Path, process: Any) -> bool:
        """Return whether a trainer on this host holds a lock.

        Args:
            lock: The lock's file.
            process: The trainer that should hold it, where one is known.
        """
        if self.locks is None:
            return isinstance(process, int) and _exists(process)
        try:
            status = lock.stat()
        except OSError:
            return False
        device = os.major(status.st_dev), os.minor(status.st_dev)
        # Some file systems, such as those of containers, show a file on another device than its lock.
        return any(
            inode == status.st_ino and ((major, minor) == device or owner == process)
            for owner, major, minor, inode in self.locks
        )


def look(locks: Path = Path("/proc/locks")) -> Here:
    """Return what this host knows now.

    Args:
        locks: Where Linux tells which locks are held.
    """
    held = None
    with contextlib.suppress(OSError):
        # Twice, as a long list comes in parts, and what is released between two of them can hide another.
        found = _HELD.findall(locks.read_text(encoding="ascii")) + _HELD.findall(locks.read_text(encoding="ascii"))
        held = frozenset((int(pid), int(major, 16), int(minor, 16), int(inode)) for pid, major, minor, inode in found)
    return Here(provenance.host(), datetime.now(UTC), held)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:  # it is someone else's
        return True
    return True
