"""Where a result comes from: code, lock, container, machine, threads, versions and times."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import socket
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from mimicrl import artifacts, container

_PACKAGE = Path(__file__).parent
_PACKAGES = ("mimicrl", "mujoco", "gymnasium", "stable-baselines3", "torch", "numpy", "scipy", "snakemake")
_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)


def now() -> str:
    """Return the time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def host() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def record(verb: str, started: str, **threads: int) -> dict[str, Any]:
    """Return the provenance of what a verb just did.

    Args:
        verb: The command, such as ``train``.
        started: `now` at its start.
        **threads: Threads of its parts, such as ``physics`` and ``torch``.
    """
    image = container.current()
    return {
        "verb": verb,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": started,
        "ended": now(),
        "code": {"sha256": code_sha256(), **(_git() or container.code(image))},
        "lock_sha256": _lock_sha256(),
        "container": {key: value for key, value in image.items() if key != "labels"},
        "host": host(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu(),
        "graphics_cards": graphics_cards(),
        "threads": threads,
        "peak_memory_mb": peak_memory_mb(),
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "versions": versions(),
    }


@cache
def code_sha256() -> str:
    """Return one hash of the source and assets that make results; the analysis only reads them."""
    files = sorted(path for path in _PACKAGE.rglob("*") if path.suffix in {".py", ".xml", ".csv"})
    files = [path for path in files if "analysis" not in path.relative_to(_PACKAGE).parts and path.is_file()]
    listing = "".join(f"{path.relative_to(_PACKAGE)} {artifacts.file_sha256(path)}\n" for path in files)
    return artifacts.sha256(listing.encode())


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide a result."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def cpu() -> dict[str, Any]:
    """Return the processor's model, its vector instructions and the number of usable cores."""
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
    """Return the most memory that this process had by now, in MB.

    Of its children the system tells nothing that could be used: each counts what its parent had when it was started.
    """
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def _git() -> dict[str, Any]:
    """Return the commit of a checkout and whether it was changed; nothing for an installed package."""
    root = _PACKAGE.parent
    if not (root / ".git").exists():
        return {}
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--", "mimicrl"], cwd=root, capture_output=True, text=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit, "dirty": bool(changes.strip())}


def _lock_sha256() -> str:
    lock = _PACKAGE.parent / "containers" / "requirements.lock"
    return artifacts.file_sha256(lock) if lock.is_file() else "none"
