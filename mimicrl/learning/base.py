"""The interface between PPO and what acts and learns: the fast learner, or the reference."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy

from mimicrl.config import TrainingConfig


def linear_layers(policy: ActorCriticPolicy) -> dict[str, list[torch.nn.Linear]]:
    """Return the layers of ``actor`` and ``critic``, from first to last."""
    extractor = policy.mlp_extractor
    networks = {
        "actor": [*extractor.policy_net, policy.action_net],
        "critic": [*extractor.value_net, policy.value_net],
    }
    return {name: [m for m in modules if isinstance(m, torch.nn.Linear)] for name, modules in networks.items()}


class Learner(ABC):
    """Acts with a policy and changes it.

    The rest of PPO (rollouts, advantages, schedules, the guard against divergence) is in `mimicrl.learning.ppo` and
    does not know which learner it has. All observations here are normalised.

    Args:
        policy: The policy, a `policy_class` with an `optimizer_class`.
        config: The hyper-parameters.
        cores: Cores that the learner may use; any number gives the same bits.
    """

    policy_class: ClassVar[type[ActorCriticPolicy]] = ActorCriticPolicy
    optimizer_class: ClassVar[type]

    @abstractmethod
    def __init__(self, policy: ActorCriticPolicy, config: TrainingConfig, cores: int = 1) -> None: ...

    @abstractmethod
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Draw actions, shape ``(N, J)`` and not clipped, for observations, float32, shape ``(N, D)``."""

    @abstractmethod
    def values(self, observations: np.ndarray) -> np.ndarray:
        """Return the critic's values, shape ``(n,)``, of observations, float32, shape ``(n, D)``."""

    @abstractmethod
    def log_probabilities(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the log probabilities, shape ``(n,)``, of actions, shape ``(n, J)``, for observations, ``(n, D)``."""

    @abstractmethod
    def update(self, model: PPO) -> None:
        """Change the policy with the samples of ``model.rollout_buffer``.

        It keeps the contract of Stable-Baselines3's ``PPO.train``: the model's schedules give step size and clip range,
        NumPy's global generator gives the order of the samples, ``n_updates`` counts the epochs, and statistics are
        logged as ``train/…``.
        """

    @abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """Return what the optimiser knows, as arrays whose shapes never change: Adam's moments and its steps so far."""

    @abstractmethod
    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from a state of `state`."""

    def close(self) -> None:  # noqa: B027  # most learners hold nothing
        """End what the learner runs beside the caller."""
