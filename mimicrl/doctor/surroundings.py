"""What a process is started in: thread counts from the environment, a container, Slurm."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from mimicrl import artifacts
from mimicrl.errors import ArtifactError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY")
_CONTAINERS = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")
_SLURM_COMMANDS = ("sbatch", "squeue")
_SLURM_JOB = {
    "id": "SLURM_JOB_ID",
    "partition": "SLURM_JOB_PARTITION",
    "node": "SLURMD_NODENAME",
    "cores": "SLURM_CPUS_ON_NODE",
}


def threads() -> dict[str, str | None]:
    """Return what the environment says to the libraries that have threads of their own."""
    return {name: os.environ.get(name) for name in _THREADS}


def container(labels: Path = Path("/.singularity.d/labels.json")) -> dict[str, Any] | None:
    """Return the image this runs in and its labels, None on the host.

    Args:
        labels: Where Apptainer keeps an image's labels.
    """
    image = next((os.environ[name] for name in _CONTAINERS if os.environ.get(name)), None)
    if image is None:
        return None
    found: Any = None
    with contextlib.suppress(ArtifactError):
        found = artifacts.read_json(labels)
    return {"image": image, "labels": found if isinstance(found, dict) else {}}


def slurm() -> dict[str, Any]:
    """Return which of Slurm's ``commands`` are here, and the ``job`` this runs in, None outside of one."""
    job = {key: os.environ.get(name) for key, name in _SLURM_JOB.items()}
    commands = [command for command in _SLURM_COMMANDS if shutil.which(command)]
    return {"commands": commands, "job": job if job["id"] else None}
