"""Checkpoints: the complete state of a training, from which it goes on as if nothing had happened.

A checkpoint is a directory ``step-000000123456`` of three files: ``tensors.safetensors`` (weights, optimiser moments,
normaliser, environments, random states), ``state.json`` (counters, callbacks) and, written last, ``manifest.json`` with
the size and hash of the other two. Nothing is pickled.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from mimicrl import artifacts, faultpoints
from mimicrl.errors import ArtifactError
from mimicrl.training import vec_envs
from mimicrl.training.ppo import MimicPPO

FORMAT = 1
KEEP = 2
_TENSORS, _STATE, _MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A valid checkpoint.

    Attributes:
        path: Its directory.
        samples: Environment steps taken.
        tensors: Its arrays.
        state: Its counters; ``extra`` is what the callbacks gave to `save`.
    """

    path: Path
    samples: int
    tensors: dict[str, np.ndarray]
    state: dict[str, Any]


def save(directory: Path, model: MimicPPO, extra: dict[str, Any]) -> Path:
    """Write a checkpoint at a rollout boundary, then remove all but the last two.

    Args:
        directory: The folder of checkpoints.
        model: The learner.
        extra: What the callbacks need to go on.
    """
    path = directory / f"step-{model.num_timesteps:012d}"
    # Not ascontiguousarray, which would make the normaliser's single numbers arrays of one.
    tensors = save_tensors({name: np.array(array, order="C") for name, array in _tensors(model).items()})
    numpy_random = np.random.get_state(legacy=False)
    state = artifacts.json_bytes(
        {
            "num_timesteps": model.num_timesteps,
            "n_updates": model._n_updates,
            "episodes": list(model.ep_info_buffer or []),
            "python_random": random.getstate(),
            "numpy_gauss": [numpy_random["has_gauss"], numpy_random["gauss"]],
            "extra": extra,
        }
    )
    manifest = {
        "format": FORMAT,
        "files": {
            name: {"bytes": len(data), "sha256": artifacts.sha256(data)}
            for name, data in ((_TENSORS, tensors), (_STATE, state))
        },
    }
    with artifacts.atomic_directory(path) as temporary:
        (temporary / _TENSORS).write_bytes(tensors)
        faultpoints.reach("checkpoint.tensors")
        (temporary / _STATE).write_bytes(state)
        faultpoints.reach("checkpoint.state")
        (temporary / _MANIFEST).write_bytes(artifacts.json_bytes(manifest))
    faultpoints.reach("checkpoint.saved")
    for old in _newest_first(directory)[KEEP:]:
        artifacts.remove_directory(old)
    faultpoints.reach("checkpoint.pruned")
    return path


def newest(directory: Path) -> tuple[Checkpoint | None, list[str]]:
    """Find the newest valid checkpoint.

    Args:
        directory: The folder of checkpoints.

    Returns:
        The checkpoint, or None where there is none, and what is wrong with newer ones, a line each.
    """
    problems = []
    for path in _newest_first(directory):
        try:
            return _read(path), problems
        except ArtifactError as error:
            problems.append(str(error))
    return None, problems


def remove_newer(directory: Path, samples: int) -> None:
    """Remove the checkpoints with more samples than training goes on from: what they would continue is cut off."""
    for path in _newest_first(directory):
        if int(path.name.removeprefix("step-")) > samples:
            artifacts.remove_directory(path)


def restore(checkpoint: Checkpoint, model: MimicPPO) -> None:
    """Put a fresh learner and its fresh environments into the state of a checkpoint."""
    tensors, state = checkpoint.tensors, checkpoint.state
    weights = {name: torch.from_numpy(array) for name, array in _group(tensors, "policy").items()}
    model.policy.load_state_dict(weights)
    _restore_optimizer(model, _group(tensors, "optimizer"))
    normalizer = model.normalizer
    for name, statistics in (("observation", normalizer.obs_rms), ("reward", normalizer.ret_rms)):
        mean, variance, count = (tensors[f"normalizer.{name}.{part}"] for part in ("mean", "variance", "count"))
        statistics.mean, statistics.var, statistics.count = mean, variance, float(count)  # type: ignore[union-attr]
    normalizer.returns = tensors["normalizer.returns"]
    normalizer.old_obs = tensors["normalizer.old_observations"]
    vec_envs.set_state(normalizer, _group(tensors, "environments"))
    model._last_obs = tensors["last_observations"]
    model._last_episode_starts = tensors["last_episode_starts"]
    model.num_timesteps = state["num_timesteps"]
    model._n_updates = state["n_updates"]
    model.ep_info_buffer = deque(state["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    version, words, gauss = state["python_random"]
    random.setstate((version, tuple(words), gauss))
    generator = np.random.get_state(legacy=False)
    generator["state"]["key"] = tensors["random.numpy"][:-1].astype(np.uint32)
    generator["state"]["pos"] = int(tensors["random.numpy"][-1])
    generator["has_gauss"], generator["gauss"] = state["numpy_gauss"]
    np.random.set_state(generator)
    torch.set_rng_state(torch.from_numpy(tensors["random.torch"]))


def _tensors(model: MimicPPO) -> dict[str, np.ndarray]:
    normalizer = model.normalizer
    tensors = {f"policy.{name}": tensor.numpy() for name, tensor in model.policy.state_dict().items()}
    for index, moments in model.policy.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor.numpy() for name, tensor in moments.items()}
    for name, statistics in (("observation", normalizer.obs_rms), ("reward", normalizer.ret_rms)):
        tensors[f"normalizer.{name}.mean"] = np.asarray(statistics.mean)  # type: ignore[union-attr]
        tensors[f"normalizer.{name}.variance"] = np.asarray(statistics.var)  # type: ignore[union-attr]
        tensors[f"normalizer.{name}.count"] = np.asarray(statistics.count)  # type: ignore[union-attr]
    tensors["normalizer.returns"] = normalizer.returns
    tensors["normalizer.old_observations"] = np.asarray(normalizer.old_obs)
    tensors |= {f"environments.{name}": array for name, array in vec_envs.get_state(normalizer).items()}
    tensors["last_observations"] = np.asarray(model._last_obs)
    tensors["last_episode_starts"] = np.asarray(model._last_episode_starts)
    generator = np.random.get_state(legacy=False)["state"]
    tensors["random.numpy"] = np.append(generator["key"], generator["pos"]).astype(np.int64)
    tensors["random.torch"] = torch.get_rng_state().numpy()
    return tensors


def _restore_optimizer(model: MimicPPO, tensors: dict[str, np.ndarray]) -> None:
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, array in tensors.items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = torch.from_numpy(array)
    groups = model.policy.optimizer.state_dict()["param_groups"]
    model.policy.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _group(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(f"{prefix}."): array for name, array in tensors.items() if name.startswith(f"{prefix}.")}


def _newest_first(directory: Path) -> list[Path]:
    # By the number in the name: times of modification lie after a copy or a change of the clock.
    return sorted(directory.glob("step-????????????"), reverse=True)


def _read(path: Path) -> Checkpoint:
    manifest = artifacts.read_json(path / _MANIFEST)
    if manifest.get("format") != FORMAT:
        raise ArtifactError("unknown checkpoint format", where=path, got=manifest.get("format"), expected=FORMAT)
    content = {}
    for name in (_TENSORS, _STATE):
        expected = manifest["files"][name]
        try:
            data = (path / name).read_bytes()
        except OSError as error:
            raise ArtifactError("a checkpoint is incomplete", where=path / name, got=error.strerror) from error
        if len(data) != expected["bytes"]:
            raise ArtifactError(
                "a checkpoint's file was cut", where=path / name, got=f"{len(data)} bytes", expected=expected["bytes"]
            )
        if artifacts.sha256(data) != expected["sha256"]:
            raise ArtifactError("a checkpoint's file was changed", where=path / name, got="another sha256")
        content[name] = data
    state = artifacts.parse_json(content[_STATE], path / _STATE)
    return Checkpoint(path, state["num_timesteps"], load_tensors(content[_TENSORS]), state)
