"""The complete state of a learner and its environments at a rollout boundary, as arrays and as numbers for JSON."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import torch

from mimicrl.errors import ArtifactError
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training import vec_envs
from mimicrl.training.checkpoints.record import BEST_POLICY, Counters
from mimicrl.training.checkpoints.store import Checkpoint

Arrays = dict[str, np.ndarray]


def arrays(model: MimicPPO) -> Arrays:
    """Return weights, optimiser state, normaliser, environments, last observations and random states."""
    normalizer = model.normalizer
    found = {f"policy.{name}": tensor.numpy() for name, tensor in model.policy.state_dict().items()}
    found |= {f"optimizer.{name}": array for name, array in model.learner.state().items()}
    for name, statistics in _statistics(model).items():
        found[f"normalizer.{name}.mean"] = np.asarray(statistics.mean)
        found[f"normalizer.{name}.variance"] = np.asarray(statistics.var)
        found[f"normalizer.{name}.count"] = np.asarray(statistics.count)
    found["normalizer.returns"] = normalizer.returns
    # A fresh learner has observed nothing yet.
    found["normalizer.old_observations"] = np.asarray(getattr(normalizer, "old_obs", None))
    found |= {f"environments.{name}": array for name, array in vec_envs.get_state(normalizer).items()}
    found["last_observations"] = np.asarray(model._last_obs)
    found["last_episode_starts"] = np.asarray(model._last_episode_starts)
    generator = np.random.get_state(legacy=False)["state"]
    found["random.numpy"] = np.append(generator["key"], generator["pos"]).astype(np.int64)
    found["random.torch"] = torch.get_rng_state().numpy()
    return found


def counters(model: MimicPPO) -> dict[str, Any]:
    """Return the fields of `Counters`."""
    numpy_random = np.random.get_state(legacy=False)
    return {
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "episodes": list(model.ep_info_buffer or []),
        "python_random": random.getstate(),
        "numpy_gauss": (numpy_random["has_gauss"], numpy_random["gauss"]),
    }


def check(checkpoint: Checkpoint, model: MimicPPO) -> None:
    """Check that a checkpoint is one of a fresh learner like `model`.

    Raises:
        ArtifactError: It is not; nothing was changed.
    """
    anew = "start from zero with --resume never"
    expected, found = _layout(model), _shapes(checkpoint.arrays)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ArtifactError(
                "a checkpoint does not fit this training",
                where=checkpoint.path,
                got=f"{name} {found.get(name, 'nothing')}",
                expected=expected.get(name, "nothing"),
                fix=anew,
            )
        numbers = checkpoint.arrays[name]
        if name.startswith(("policy.", "optimizer.", "normalizer.")) and not np.isfinite(numbers).all():
            raise ArtifactError("a number of a checkpoint is not finite", where=checkpoint.path, got=name, fix=anew)


def restore(checkpoint: Checkpoint, counters: Counters, model: MimicPPO) -> None:
    """Put a fresh learner and its fresh environments into the state of a checkpoint.

    Raises:
        ArtifactError: It is not of such a learner; nothing was changed.
    """
    check(checkpoint, model)
    saved, normalizer = checkpoint.arrays, model.normalizer
    model.policy.load_state_dict({name: torch.from_numpy(array) for name, array in _group(saved, "policy").items()})
    model.learner.load_state(_group(saved, "optimizer"))
    for name, statistics in _statistics(model).items():
        mean, variance, count = (saved[f"normalizer.{name}.{part}"] for part in ("mean", "variance", "count"))
        statistics.mean, statistics.var, statistics.count = mean, variance, float(count)
    normalizer.returns = saved["normalizer.returns"]
    normalizer.old_obs = saved["normalizer.old_observations"]
    vec_envs.set_state(normalizer, _group(saved, "environments"))
    model._last_obs = saved["last_observations"]
    model._last_episode_starts = saved["last_episode_starts"]
    model.num_timesteps = counters.num_timesteps
    model._n_updates = counters.n_updates
    model.ep_info_buffer = deque(counters.episodes, maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    version, words, gauss = counters.python_random
    random.setstate((version, tuple(words), gauss))
    generator: Any = np.random.get_state(legacy=False)
    generator["state"]["key"] = saved["random.numpy"][:-1].astype(np.uint32)
    generator["state"]["pos"] = int(saved["random.numpy"][-1])
    generator["has_gauss"], generator["gauss"] = counters.numpy_gauss
    np.random.set_state(generator)
    torch.set_rng_state(torch.from_numpy(saved["random.torch"]))


def _statistics(model: MimicPPO) -> dict[str, Any]:
    return {"observation": model.normalizer.obs_rms, "reward": model.normalizer.ret_rms}


def _layout(model: MimicPPO) -> dict[str, str]:
    """Return the shapes of a snapshot of `model`, which has not observed anything yet."""
    like = arrays(model)
    shape = (model.n_envs, *(model.observation_space.shape or ()))
    for name in ("normalizer.old_observations", "last_observations"):
        like[name] = np.empty(shape, np.float32)
    like["last_episode_starts"] = np.empty(model.n_envs, bool)
    return _shapes(like)


def _shapes(found: Arrays) -> dict[str, str]:
    return {name: f"{array.dtype} {array.shape}" for name, array in found.items() if name != BEST_POLICY}


def _group(found: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(f"{prefix}."): array for name, array in found.items() if name.startswith(f"{prefix}.")}
