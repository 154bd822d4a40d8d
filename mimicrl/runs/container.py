"""The container that steps run in: its image, the labels of the image, and the bind mounts."""

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
"""Environment variable with the path of a study's image record.

`describe` hashes the image once, so that the steps need not.
"""

HOST = ImageRecord(sha256="none")
"""The record that is used on the host, where there is no image."""

_PASSED = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")  # MuJoCo draws on the card that CUDA_VISIBLE_DEVICES names
_INSIDE = ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER")
_LABELS = Path("/.singularity.d/labels.json")
_TIMEOUT_S = 60.0


def describe(image: Path) -> ImageRecord:
    """Return the path, digest, version, commit and labels of an image. Call this on the host only.

    Raises:
        ArtifactError: The file does not exist, or it is not a container image.
        MachineError: Apptainer is missing, or does not answer.
    """
    require(image)
    return _described(str(image.resolve()), artifacts.file_sha256(image), inspect(image))


def require(image: Path) -> None:
    """Check that the file of an image exists.

    Raises:
        ArtifactError: The file is missing.
    """
    if not image.is_file():
        raise ArtifactError("there is no image of the container", where=image, fix="build it: make container")


def inspect(image: Path) -> dict[str, Any]:
    """Return the labels of an image. Call this on the host only.

    Raises:
        ArtifactError: The file is not a container image.
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
    """Update the image record of a study, if the record exists. Call this on the host only.

    Args:
        record: The file of the record.
        image: The image that steps run in, or None if they run on the host.

    Raises:
        ArtifactError: The file is not a container image.
        MachineError: Apptainer is missing, or does not answer.
    """
    if not record.exists():
        return
    labels = None if image is None else inspect(image)
    found = ImageRecord.find(record)
    if found is None or found.labels != labels:
        (HOST if image is None else describe(image)).write(record)


def current() -> ImageRecord:
    """Return the record of the image that this process runs in, or `HOST` outside of a container.

    If the study's record has the labels of this image, the record is returned. Otherwise the image is hashed here. The
    digest is ``unknown`` if the container does not see its own image.
    """
    path = next((os.environ[name] for name in _INSIDE if os.environ.get(name)), None)
    if path is None:
        return HOST
    labels: dict[str, Any] = {}
    with contextlib.suppress(ArtifactError):  # an image without labels does not have this file
        labels = artifacts.read_json(_LABELS)
    recorded = ImageRecord.find(Path(os.environ.get(RECORD, "")))
    # The labels say when and from what the image was built. If the image was replaced, its labels differ.
    if labels and recorded is not None and recorded.labels == labels:
        return recorded
    image = Path(path)
    return _described(path, artifacts.file_sha256(image) if image.is_file() else "unknown", labels)


def code(image: ImageRecord) -> tuple[str, bool] | None:
    """Return the commit of the code in an image, and whether the code differed from it when the image was built.

    Return None if the labels have no commit.
    """
    if image.commit in (None, "unknown"):
        return None
    return image.commit, (image.labels or {}).get("mimicrl.changed") != "false"


def environment(files: Iterable[Path], directory: Path, record: str) -> dict[str, str]:
    """Return the environment variables that Snakemake must set when it starts the containers of a study.

    Args:
        files: Files and folders that steps use, see `binds`.
        directory: The working directory.
        record: Path of the study's image record, as steps in the container see it.

    Raises:
        ConfigError: See `binds`.
    """
    shown = [*os.environ.get("APPTAINER_BIND", "").split(","), *binds(files, directory)]
    # The container gets the job number and the graphics card that the cluster assigned. All other variables stay
    # outside.
    passed = {f"APPTAINERENV_{name}": os.environ[name] for name in _PASSED if name in os.environ}
    # Without this variable, Apptainer creates a folder in $HOME. A compute node may have no $HOME.
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
        files: Files and folders that steps use, relative to the working directory or absolute. The target of a
            symbolic link is mounted at its own path and at the path of the link.
        directory: The working directory. Apptainer mounts it without being told.

    Raises:
        ConfigError: A path contains a comma or a colon, which separate paths in Apptainer's syntax.
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
