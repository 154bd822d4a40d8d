"""Where a result comes from: code, lock file, container, machine, threads, versions and times."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from mimicrl import artifacts, machine
from mimicrl.runs import container
from mimicrl.runs.records import Code, ImageRecord, Provenance

_PACKAGE = Path(__file__).parents[1]
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def record(
    verb: str,
    started: str,
    *,
    outputs: dict[str, str] | None = None,
    result: dict[str, Any] | None = None,
    **threads: int,
) -> Provenance:
    """Return the provenance of what a verb just did.

    Args:
        verb: The command, such as ``train``.
        started: `mimicrl.machine.now` at its start.
        outputs: The sha256 of each file that it wrote.
        result: Facts about the result that no other file holds.
        **threads: Threads of its parts, such as ``physics``.
    """
    image = container.current()
    return Provenance.model_validate(
        {
            "verb": verb,
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "started": started,
            "ended": machine.now(),
            "code": _code(image),
            "lock_sha256": _lock_sha256(),
            "container": image.model_dump(exclude={"labels"}),
            "host": machine.host(),
            "slurm_job": machine.slurm_job(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cpu": machine.cpu(),
            "graphics_cards": machine.graphics_cards(),
            "threads": threads,
            "peak_memory_mb": machine.peak_memory_mb(),
            "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
            "versions": machine.versions(),
            "outputs": outputs or {},
            "result": result,
        }
    )


@cache
def code_sha256() -> str:
    """Return one hash of the source and assets that decide results: the analysis is left out, as it only reads them."""
    files = (path for path in _PACKAGE.rglob("*") if path.suffix in {".py", ".xml", ".yaml", ".csv"} and path.is_file())
    return artifacts.files_sha256(
        _PACKAGE, (path for path in files if "analysis" not in path.relative_to(_PACKAGE).parts)
    )


def _code(image: ImageRecord) -> Code:
    """Return the code that runs: git describes it or, in a container without git, the image's labels."""
    commit, dirty = _git() or container.code(image) or (None, None)
    return Code(sha256=code_sha256(), commit=commit, dirty=dirty)


def _git() -> tuple[str, bool] | None:
    """Return the commit of a checkout and whether it was changed; None for an installed package."""
    root = _PACKAGE.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--", "mimicrl"], cwd=root, capture_output=True, text=True, timeout=10
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return commit, bool(changes.strip())


def _lock_sha256() -> str:
    lock = _PACKAGE.parent / "containers" / "requirements.lock"
    return artifacts.file_sha256(lock) if lock.is_file() else "none"
