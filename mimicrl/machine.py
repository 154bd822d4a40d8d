"""Facts about this machine: the time, its name, its processor and cores, memory used, package versions."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import socket
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = ("mimicrl", "mujoco", "gymnasium", "stable-baselines3", "torch", "numpy", "scipy", "snakemake")


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def host() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def slurm_job() -> str | None:
    """Return the number of the Slurm job that this process is part of."""
    return os.environ.get("SLURM_JOB_ID")


def cpu() -> dict[str, Any]:
    """Return the processor; `mimicrl.runs.records.Cpu` describes the fields."""
    model, flags = platform.processor() or platform.machine(), ""
    information = Path("/proc/cpuinfo")
    if information.exists():
        rows = (line.split(":", 1) for line in information.read_text().splitlines() if ":" in line)
        fields = {key.strip(): value.strip() for key, value in rows}
        model, flags = fields.get("model name", model), fields.get("flags", "")
    vector = [flag for flag in flags.split() if flag.startswith(("avx", "fma", "sse4", "amx"))]
    return {"model": model, "vector_instructions": vector, "cores": usable_cores()}


def graphics_cards(driver: Path = Path("/proc/driver/nvidia")) -> list[str]:
    """Return the models of the machine's graphics cards that NVIDIA's driver knows; not all need be this process's.

    Args:
        driver: The driver's folder.
    """
    rows: list[str] = []
    for file in sorted(driver.glob("gpus/*/information")):
        with contextlib.suppress(OSError, ValueError):  # no reason to lose a result
            rows += file.read_text(encoding="utf-8").splitlines()
    return [row.split(":", 1)[1].strip() for row in rows if row.startswith("Model:")]


def usable_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_mb() -> int:
    """Return the most memory that this process had so far, in MB.

    Children are left out: each one counts what its parent had when it was started.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide a result."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found
