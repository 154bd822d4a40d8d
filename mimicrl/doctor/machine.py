"""Memory, what control groups leave of the machine, and room for results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimicrl import artifacts

_TRIAL = bytes(1 << 20)
_UNLIMITED = 1 << 60  # version 1 of control groups tells no limit as a number near 2**63


def memory(file: Path = Path("/proc/meminfo")) -> dict[str, int | None]:
    """Return the machine's memory and what of it is free [byte]; None where the system does not tell."""
    rows = (line.split() for line in _text(file).splitlines())
    kib = {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}
    return {
        name: kib[key] << 10 if key in kib else None
        for name, key in (("total_bytes", "MemTotal:"), ("available_bytes", "MemAvailable:"))
    }


def limits(
    groups: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> dict[str, int | float | None]:
    """Return what control groups allow: of Slurm, Docker, systemd and the like; None where there is no limit.

    The tightest of a group and those above it counts.

    Args:
        groups: Which groups this process is in.
        root: Where both versions of control groups are mounted.

    Returns:
        ``memory_bytes`` and ``cores``, processor time a time, which need not be whole.
    """
    memory_bytes: list[int] = []
    cores: list[float] = []
    for folder in _folders(groups, root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            memory_bytes += [int(word) for word in _text(folder / name).split() if word.isdigit()]
        quota = _text(folder / "cpu.max").split() or [
            *_text(folder / "cpu.cfs_quota_us").split(),
            *_text(folder / "cpu.cfs_period_us").split(),
        ]
        if len(quota) == 2 and all(word.isdigit() for word in quota):  # else it is "max" or -1
            cores.append(int(quota[0]) / int(quota[1]))
    return {
        "memory_bytes": min((size for size in memory_bytes if size < _UNLIMITED), default=None),
        "cores": min(cores, default=None),
    }


def _folders(groups: Path, root: Path) -> Iterator[Path]:
    """Yield this process's control groups and those above them."""
    for line in _text(groups).splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):  # version 2 names none, and needs no folder a controller
            top = root / controller
            group = top / path.lstrip("/")
            # In a container the path may be that of the host, of which only the upper end is seen.
            yield from (folder for folder in (group, *group.parents) if folder == top or top in folder.parents)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def try_writing(results: Path) -> dict[str, Any]:
    """Write a file that leaves no trace where results will be, or where their folder would be made.

    Returns:
        The ``directory`` and its ``free_bytes``.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    results = place = results.absolute()
    while not place.exists() and not place.is_symlink():
        place = place.parent
    with artifacts.machine_errors(results):
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(_TRIAL)
        return {"directory": str(results), "free_bytes": shutil.disk_usage(place).free}
