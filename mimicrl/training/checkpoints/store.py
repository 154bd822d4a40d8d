"""Checkpoints: the complete state of a training, from which it goes on as if nothing had happened.

A checkpoint is a directory ``step-000000123456`` of three files: ``tensors.safetensors`` (weights, optimiser moments,
normaliser, environments, random states), ``state.json`` (counters, callbacks) and, written last, ``manifest.json`` with
the training's fingerprint and the size and hash of the other two. Nothing is pickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError, MachineError
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training.checkpoints import state

FORMAT = 5
KEEP = 2
_ASIDE = "aside-"
_CALLBACKS = "callbacks."
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
_ANEW = "start from nothing with --resume never"
_STATE_TYPES = {
    "num_timesteps": int,
    "n_updates": int,
    "episodes": list,
    "python_random": list,
    "numpy_gauss": list,
    "extra": dict,
}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A valid checkpoint.

    Attributes:
        path: Its directory.
        samples: Environment steps taken.
        tensors: The learner's arrays.
        arrays: The callbacks' arrays.
        state: Its counters; ``extra`` is what the callbacks gave to `save`.
    """

    path: Path
    samples: int
    tensors: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save(
    directory: Path,
    fingerprint: str,
    model: MimicPPO,
    extra: dict[str, Any],
    arrays: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Write a checkpoint at a rollout boundary, then remove all that are older than the last two valid ones.

    Args:
        directory: The folder of checkpoints.
        fingerprint: What the training depends on; see `mimicrl.runs.fingerprint`.
        model: The learner.
        extra: What the callbacks need to go on, for JSON …
        arrays: … and as arrays.

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    path = place(directory, model.num_timesteps)
    everything = state.tensors(model) | {f"{_CALLBACKS}{name}": array for name, array in (arrays or {}).items()}
    # Not ascontiguousarray, which would make the normaliser's single numbers arrays of one.
    tensors = save_tensors({name: np.array(array, order="C") for name, array in everything.items()})
    counters = artifacts.json_bytes(state.numbers(model) | {"extra": extra})
    manifest = {
        "format": FORMAT,
        "fingerprint": fingerprint,
        "files": {
            name: {"bytes": len(data), "sha256": artifacts.sha256(data)}
            for name, data in ((_TENSORS, tensors), (_STATE, counters))
        },
    }
    with artifacts.atomic_directory(path) as temporary:
        (temporary / _TENSORS).write_bytes(tensors)
        faultpoints.reach("checkpoint.tensors")
        (temporary / _STATE).write_bytes(counters)
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


def restore(checkpoint: Checkpoint, model: MimicPPO) -> None:
    """Put a fresh learner and its fresh environments into the state of a checkpoint.

    Raises:
        ArtifactError: It is not of such a learner; nothing was changed.
    """
    problem = state.problem(model, checkpoint.tensors, checkpoint.state)
    if problem:
        what, got, expected = problem
        raise ArtifactError(what, where=checkpoint.path, got=got, expected=expected, fix=_ANEW)
    state.restore(model, checkpoint.tensors, checkpoint.state)


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
    counters = artifacts.parse_json(content[_STATE], path / _STATE)
    _check_counters(counters, path)
    try:
        tensors = load_tensors(content[_TENSORS])
    except SafetensorError as error:
        raise ArtifactError("a checkpoint's arrays are damaged", where=path / _TENSORS, got=error) from error
    arrays = {name: tensors.pop(name) for name in list(tensors) if name.startswith(_CALLBACKS)}
    arrays = {name.removeprefix(_CALLBACKS): array for name, array in arrays.items()}
    return Checkpoint(path, counters["num_timesteps"], tensors, arrays, counters)


def _check_counters(counters: Any, path: Path) -> None:
    for name, kind in _STATE_TYPES.items():
        value = counters.get(name) if isinstance(counters, dict) else counters
        if not isinstance(value, kind):
            raise ArtifactError(
                "a checkpoint's counters are damaged",
                where=path / _STATE,
                got=f"{name} {type(value).__name__}",
                expected=kind.__name__,
            )
    if not all(_is_episode(episode) for episode in counters["episodes"]):
        raise ArtifactError(
            "a checkpoint's counters are damaged",
            where=path / _STATE,
            got="something else among the episodes",
            expected="return r and length l of each",
        )
    if counters["num_timesteps"] != _samples(path):
        raise ArtifactError("a checkpoint under another's name", where=path, got=f"{counters['num_timesteps']} samples")


def _is_episode(value: Any) -> bool:
    """Return whether a value is what Stable-Baselines3 keeps of a training episode."""
    return isinstance(value, dict) and all(isinstance(value.get(key), int | float) for key in ("r", "l"))


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
            name: (manifest["files"][name]["bytes"], manifest["files"][name]["sha256"]) for name in (_TENSORS, _STATE)
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
