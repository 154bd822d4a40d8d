"""Checkpoints: the complete state of a training, from which it goes on as if nothing had happened.

A checkpoint is a directory ``step-000000123456`` of three files: ``tensors.safetensors`` (weights, optimiser moments,
normaliser, environments, random states), ``state.json`` (counters and the rest) and, written last, ``manifest.json``
with the training's fingerprint and the size and hash of the other two. Nothing is pickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError, MachineError

FORMAT = 5
KEEP = 2
_ASIDE = "aside-"
_ARRAYS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A valid checkpoint.

    Attributes:
        path: Its directory.
        samples: Samples taken by then.
        arrays: Its arrays by name.
        state: The rest, see `mimicrl.training.checkpoints.record.TrainingRecord`.
    """

    path: Path
    samples: int
    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save(
    directory: Path, fingerprint: str, samples: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]
) -> Path:
    """Write a checkpoint, then remove all that are older than the last two valid ones.

    Args:
        directory: The folder of checkpoints.
        fingerprint: What the training depends on; see `mimicrl.runs.fingerprint`.
        samples: Samples taken so far.
        arrays: What the training continues from, as arrays …
        state: … and for JSON.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    path = place(directory, samples)
    # Not ascontiguousarray, which would make the normaliser's single numbers arrays of one.
    content = {
        _ARRAYS: save_arrays({name: np.array(array, order="C") for name, array in arrays.items()}),
        _STATE: artifacts.json_bytes(state),
    }
    manifest = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "files": {name: {"bytes": len(data), "sha256": artifacts.sha256(data)} for name, data in content.items()},
    }
    with artifacts.atomic_directory(path) as temporary:
        (temporary / _ARRAYS).write_bytes(content[_ARRAYS])
        faultpoints.reach("checkpoint.tensors")
        (temporary / _STATE).write_bytes(content[_STATE])
        faultpoints.reach("checkpoint.state")
        (temporary / _MANIFEST).write_bytes(artifacts.json_bytes(manifest))
    faultpoints.reach("checkpoint.saved")
    _prune(directory, fingerprint)
    faultpoints.reach("checkpoint.pruned")
    return path


def place(directory: Path, samples: int) -> Path:
    """Return where the checkpoint after so many samples lies."""
    return directory / f"step-{samples:012d}"


def newest(directory: Path, fingerprint: str) -> tuple[Checkpoint | None, list[str]]:
    """Find the newest valid checkpoint.

    Args:
        directory: The folder of checkpoints.
        fingerprint: What the training depends on.

    Returns:
        The checkpoint, or None where there is none, and what is wrong with newer ones, a line each.

    Raises:
        MachineError: One cannot be read, which may be as good as ever when the disk works again.
    """
    problems = []
    for path in _newest_first(directory):
        try:
            return _read(path, fingerprint), problems
        except ArtifactError as error:
            problems.append(str(error))
    return None, problems


def samples_saved(directory: Path) -> list[int]:
    """Return the samples of all checkpoints, valid or not, most first."""
    return [_samples(path) for path in _newest_first(directory)]


def set_aside_newer(directory: Path, samples: int) -> None:
    """Rename the checkpoints with more samples than training goes on from: what they would continue is cut off.

    They are damaged, or of another version of the program, to which they may still be worth something.
    """
    for path in _newest_first(directory):
        if _samples(path) > samples:
            aside = path.with_name(_ASIDE + path.name)
            if aside.exists():
                artifacts.remove_directory(aside)
            with artifacts.machine_errors(path):
                path.replace(aside)


def remove_all(directory: Path) -> None:
    """Remove all checkpoints: training starts from nothing."""
    for path in _newest_first(directory):
        artifacts.remove_directory(path)


def _prune(directory: Path, fingerprint: str) -> None:
    valid = 0
    for path in _newest_first(directory):
        if valid == KEEP:
            artifacts.remove_directory(path)
            continue
        try:
            _content(path, fingerprint)
        except (ArtifactError, MachineError):
            continue  # damaged on the disk since it was written: it must not count
        valid += 1


def _newest_first(directory: Path) -> list[Path]:
    # By the number in the name: times of modification lie after a copy or a change of the clock.
    try:
        paths = sorted(directory.iterdir(), reverse=True)  # glob takes a folder that cannot be read for an empty one
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(directory, error) from error
    return [path for path in paths if re.fullmatch(r"step-[0-9]{12}", path.name)]


def _samples(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _read(path: Path, fingerprint: str) -> Checkpoint:
    content = _content(path, fingerprint)
    try:
        arrays = load_arrays(content[_ARRAYS])
    except SafetensorError as error:
        raise ArtifactError("a checkpoint's arrays are damaged", where=path / _ARRAYS, got=error) from error
    state = artifacts.parse_json(content[_STATE], path / _STATE)
    samples = state.get("num_timesteps") if isinstance(state, dict) else None
    if samples != _samples(path):
        raise ArtifactError("a checkpoint under another's name", where=path, got=f"{samples} samples")
    return Checkpoint(path, _samples(path), arrays, state)


def _content(path: Path, fingerprint: str) -> dict[str, bytes]:
    """Return the two files of a complete checkpoint, by name.

    Raises:
        ArtifactError: It is incomplete, damaged, or of another training.
        MachineError: It cannot be read.
    """
    manifest = artifacts.parse_json(_bytes(path / _MANIFEST), path / _MANIFEST)
    try:
        for key, expected in (("format", FORMAT), ("fingerprint", fingerprint)):
            if manifest[key] != expected:
                raise ArtifactError(
                    f"a checkpoint of another {key}", where=path / _MANIFEST, got=manifest[key], expected=expected
                )
        files = {
            name: (manifest["files"][name]["bytes"], manifest["files"][name]["sha256"]) for name in (_ARRAYS, _STATE)
        }
    except (KeyError, TypeError) as error:
        raise ArtifactError(
            "a checkpoint's manifest is damaged", where=path / _MANIFEST, got=f"{type(error).__name__} {error}"
        ) from error
    return {name: _file(path / name, *expected) for name, expected in files.items()}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ArtifactError("a checkpoint is incomplete", where=path, got=error.strerror) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> MachineError:
    return MachineError(
        "a checkpoint cannot be read",
        where=path,
        got=error.strerror or error,
        fix="check the disk and the permissions, then run the same command again",
    )


def _file(path: Path, size: int, sha256: str) -> bytes:
    data = _bytes(path)
    if len(data) != size:
        raise ArtifactError("a checkpoint's file was cut", where=path, got=f"{len(data)} bytes", expected=size)
    if artifacts.sha256(data) != sha256:
        raise ArtifactError("a checkpoint's file was changed", where=path, got="another sha256")
    return data
