"""The complete state of a training at a rollout boundary, as arrays and as numbers for JSON."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import torch

from mimicrl.learning.ppo import MimicPPO
from mimicrl.training import vec_envs

Tensors = dict[str, np.ndarray]


def tensors(model: MimicPPO) -> Tensors:
    """Return weights, optimiser moments, normaliser, environments, last observations and random states."""
    normalizer = model.normalizer
    arrays = {f"policy.{name}": tensor.numpy() for name, tensor in model.policy.state_dict().items()}
    arrays |= {f"optimizer.{name}": array for name, array in model.learner.state().items()}
    for name, statistics in (("observation", normalizer.obs_rms), ("reward", normalizer.ret_rms)):
        arrays[f"normalizer.{name}.mean"] = np.asarray(statistics.mean)  # type: ignore[union-attr]
        arrays[f"normalizer.{name}.variance"] = np.asarray(statistics.var)  # type: ignore[union-attr]
        arrays[f"normalizer.{name}.count"] = np.asarray(statistics.count)  # type: ignore[union-attr]
    arrays["normalizer.returns"] = normalizer.returns
    # A fresh learner has observed nothing yet.
    arrays["normalizer.old_observations"] = np.asarray(getattr(normalizer, "old_obs", None))
    arrays |= {f"environments.{name}": array for name, array in vec_envs.get_state(normalizer).items()}
    arrays["last_observations"] = np.asarray(model._last_obs)
    arrays["last_episode_starts"] = np.asarray(model._last_episode_starts)
    generator = np.random.get_state(legacy=False)["state"]
    arrays["random.numpy"] = np.append(generator["key"], generator["pos"]).astype(np.int64)
    arrays["random.torch"] = torch.get_rng_state().numpy()
    return arrays


def numbers(model: MimicPPO) -> dict[str, Any]:
    """Return counters, the last episodes and the random states that are no arrays."""
    numpy_random = np.random.get_state(legacy=False)
    return {
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "episodes": list(model.ep_info_buffer or []),
        "python_random": random.getstate(),
        "numpy_gauss": [numpy_random["has_gauss"], numpy_random["gauss"]],
    }


def problem(model: MimicPPO, arrays: Tensors, counters: dict[str, Any]) -> tuple[str, str, str] | None:
    """Find what keeps a state from being restored.

    Args:
        model: The fresh learner that it is for.
        arrays: The state's arrays.
        counters: Its numbers.

    Returns:
        None, or what is wrong, what was found and what was expected.
    """
    expected, found = _layout(model), _shapes(arrays)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            told = [shapes.get(name, "nothing") for shapes in (found, expected)]
            return "a checkpoint does not fit this training", f"{name} {told[0]}", told[1]
        if name.startswith(("policy.", "optimizer.", "normalizer.")) and not np.isfinite(arrays[name]).all():
            return "a number of a checkpoint is not finite", name, ""
        if name.endswith(".variance") and (arrays[name] < 0).any():
            return "a variance of a checkpoint is negative", name, ""
    try:
        _restore_random(arrays, counters, random.Random(), np.random.RandomState(), torch.Generator())
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        return "a random state of a checkpoint is none", str(error), ""
    return None


def restore(model: MimicPPO, arrays: Tensors, counters: dict[str, Any]) -> None:
    """Put a fresh learner and its fresh environments into a state that has no `problem`."""
    weights = {name: torch.from_numpy(array) for name, array in _group(arrays, "policy").items()}
    model.policy.load_state_dict(weights)
    model.learner.load_state(_group(arrays, "optimizer"))
    normalizer = model.normalizer
    for name, statistics in (("observation", normalizer.obs_rms), ("reward", normalizer.ret_rms)):
        mean, variance, count = (arrays[f"normalizer.{name}.{part}"] for part in ("mean", "variance", "count"))
        statistics.mean, statistics.var, statistics.count = mean, variance, float(count)  # type: ignore[union-attr]
    normalizer.returns = arrays["normalizer.returns"]
    normalizer.old_obs = arrays["normalizer.old_observations"]
    vec_envs.set_state(normalizer, _group(arrays, "environments"))
    model._last_obs = arrays["last_observations"]
    model._last_episode_starts = arrays["last_episode_starts"]
    model.num_timesteps = counters["num_timesteps"]
    model._n_updates = counters["n_updates"]
    model.ep_info_buffer = deque(counters["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(maxlen=model._stats_window_size)
    _restore_random(arrays, counters, random, np.random, torch.default_generator)


def _restore_random(
    arrays: Tensors, counters: dict[str, Any], python: Any, numpy: Any, torch_generator: torch.Generator
) -> None:
    """Set generators, the global ones or others of their kind."""
    version, words, gauss = counters["python_random"]
    python.setstate((version, tuple(words), gauss))
    generator = numpy.get_state(legacy=False)
    generator["state"]["key"] = arrays["random.numpy"][:-1].astype(np.uint32)
    generator["state"]["pos"] = int(arrays["random.numpy"][-1])
    generator["has_gauss"], generator["gauss"] = counters["numpy_gauss"]
    numpy.set_state(generator)
    torch_generator.set_state(torch.from_numpy(arrays["random.torch"]))


def _layout(model: MimicPPO) -> dict[str, str]:
    """Return the shapes of a state of `model`, which has not observed anything yet."""
    like = tensors(model)
    shape = (model.n_envs, *(model.observation_space.shape or ()))
    for name in ("normalizer.old_observations", "last_observations"):
        like[name] = np.empty(shape, np.float32)
    like["last_episode_starts"] = np.empty(model.n_envs, bool)
    return _shapes(like)


def _shapes(arrays: Tensors) -> dict[str, str]:
    return {name: f"{array.dtype} {array.shape}" for name, array in arrays.items()}


def _group(arrays: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(f"{prefix}."): array for name, array in arrays.items() if name.startswith(f"{prefix}.")}
