"""The container that steps run in: which image it is, the image's labels, and the bind mounts it needs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, ConfigError, MachineError
from mimicrl.runs.records import ImageRecord

RECORD = "MIMICRL_IMAGE"
"""The variable that names the file with a study's image, which `describe` hashed once for all steps."""

HOST = ImageRecord(sha256="none")
"""The record of an image if there is no container."""

_PASSED = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")  # MuJoCo draws on the card of the first
_INSIDE = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")
_LABELS = Path("/.singularity.d/labels.json")
_TIMEOUT_S = 60.0


def describe(image: Path) -> ImageRecord:
    """Return an image's path, digest, version, commit and labels; on the host.

    Raises:
        ArtifactError: There is no such image, or it is none.
        MachineError: Apptainer is missing, or does not answer.
    """
    require(image)
    return _described(str(image.resolve()), artifacts.file_sha256(image), inspect(image))


def require(image: Path) -> None:
    """Check that an image is there.

    Raises:
        ArtifactError: It is not.
    """
    if not image.is_file():
        raise ArtifactError("there is no image of the container", where=image, fix="build it: make container")


def inspect(image: Path) -> dict[str, Any]:
    """Return an image's labels; on the host.

    Raises:
        ArtifactError: It is no image.
        MachineError: Apptainer is missing, or does not answer.
    """
    program = shutil.which("apptainer")
    if program is None:
        raise MachineError("apptainer is not installed", where=image, fix="see containers/README.md")
    command = [program, "inspect", "--json", "--labels", str(image)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise MachineError("apptainer does not answer", where=image, got=f"nothing in {_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        problem = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise ArtifactError("this is no image of a container", where=image, got=problem, fix="build it: make container")
    labels = json.loads(done.stdout)["data"]["attributes"]["labels"]
    return labels or {}


def refresh(record: Path, image: Path | None) -> None:
    """Bring a study's record of its image up to date, if there is a record; on the host.

    Args:
        record: The file that `RECORD` names.
        image: The image that steps run in, None for the host.

    Raises:
        ArtifactError: It is no image.
        MachineError: Apptainer is missing, or does not answer.
    """
    if not record.exists():
        return
    labels = None if image is None else inspect(image)
    found = ImageRecord.find(record)
    if found is None or found.labels != labels:
        (HOST if image is None else describe(image)).write(record)


def current() -> ImageRecord:
    """Return the image that this process runs in, as `describe` does, or `HOST` outside of a container.

    The digest is that of the study's record, if the record has the labels of this image. Else the image is hashed here.
    The digest is ``unknown`` if the container does not see its own image.
    """
    path = next((os.environ[name] for name in _INSIDE if os.environ.get(name)), None)
    if path is None:
        return HOST
    labels: dict[str, Any] = {}
    with contextlib.suppress(ArtifactError):  # Apptainer gives an image without labels no such file
        labels = artifacts.read_json(_LABELS)
    recorded = ImageRecord.find(Path(os.environ.get(RECORD, "")))
    # The labels say when and of what the image was built: one that was replaced since has others.
    if labels and recorded is not None and recorded.labels == labels:
        return recorded
    image = Path(path)
    return _described(path, artifacts.file_sha256(image) if image.is_file() else "unknown", labels)


def code(image: ImageRecord) -> tuple[str, bool] | None:
    """Return the commit of an image's code and whether it was changed since, or None if the labels have no commit."""
    if image.commit in (None, "unknown"):
        return None
    return image.commit, (image.labels or {}).get("mimicrl.changed") != "false"


def environment(files: Iterable[Path], directory: Path, record: str) -> dict[str, str]:
    """Return what to add to the environment that a study's containers are started from.

    Args:
        files: Files and folders that steps use, see `binds`.
        directory: The working directory.
        record: The file with the study's image, as steps see it.

    Raises:
        ConfigError: See `binds`.
    """
    shown = [*os.environ.get("APPTAINER_BIND", "").split(","), *binds(files, directory)]
    # What a cluster tells a job, its graphics card among it; the rest of the environment stays outside.
    passed = {f"APPTAINERENV_{name}": os.environ[name] for name in _PASSED if name in os.environ}
    # Else Apptainer makes itself a folder in $HOME, which a compute node may not have.
    own = os.environ.get("APPTAINER_CONFIGDIR", str(directory.resolve() / ".snakemake" / "apptainer"))
    return {
        "APPTAINER_BIND": ",".join(dict.fromkeys(filter(None, shown))),
        "APPTAINER_CONFIGDIR": own,
        f"APPTAINERENV_{RECORD}": record,
        **passed,
    }


def binds(files: Iterable[Path], directory: Path) -> list[str]:
    """Return the bind mounts that a container needs beside the working directory, in Apptainer's syntax.

    Args:
        files: Files and folders that steps use, relative to the working directory or absolute. A symbolic link is
            mounted with the file that it leads to.
        directory: The working directory, which Apptainer mounts itself.

    Raises:
        ConfigError: A name has a comma or a colon, which separate names in Apptainer's syntax.
    """
    found = {}
    for file in files:
        seen, real = Path(os.path.normpath(directory / file)), (directory / file).resolve()
        for place in (seen, real):
            if not place.is_relative_to(directory.resolve()) and real.exists():
                found[f"{real}:{place}"] = place
    for place in found.values():
        if {",", ":"} & set(str(place)):
            raise ConfigError("a container cannot be shown this", where=place, fix="take , and : out of the name")
    return list(found)


def _described(path: str, sha256: str, labels: dict[str, Any]) -> ImageRecord:
    known = {name: labels.get(f"mimicrl.{name}", "unknown") for name in ("version", "commit")}
    return ImageRecord(image=path, sha256=sha256, **known, labels=labels)
