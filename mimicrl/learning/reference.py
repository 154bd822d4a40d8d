"""The reference implementation of the update: Stable-Baselines3's own, with autograd. You can try new losses here.

It needs about twice the time of the fast learner. For the same samples it gives the same result, within rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy

from mimicrl.config import TrainingConfig
from mimicrl.learning.base import Learner


class ReferencePolicy(ActorCriticPolicy):
    """Stable-Baselines3's policy, with a method for a further loss."""

    def further_loss(self, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor | None:
        """Return a loss that is minimised in addition to PPO's loss. **Override this to try a new loss**.

        The loss is added to PPO's loss of each minibatch, before gradients are clipped. The logged ``train/loss``
        contains only the loss of PPO. For example, this loss keeps the mean action small:

            return 0.01 * self.get_distribution(observations).mode().square().mean()

        Args:
            observations: A minibatch's normalised observations, shape ``(n, D)``.
            actions: The actions taken there, shape ``(n, J)``.

        Returns:
            A tensor that depends on the parameters of the policy, shape ``()``. None if there is no further loss.
        """
        return None

    def evaluate_actions(
        self, obs: Any, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return values, log probabilities and entropy: Stable-Baselines3 computes a minibatch's loss from them."""
        values, log_probabilities, entropy = super().evaluate_actions(obs, actions)
        loss = self.further_loss(obs, actions)
        if loss is not None:
            values = _AlsoMinimize.apply(values, loss)
        return values, log_probabilities, entropy


class _AlsoMinimize(torch.autograd.Function):
    """Returns the values unchanged. In the backward pass, the loss gets the gradient of a part of the total loss.

    Stable-Baselines3's ``train`` adds its losses inside one long method. There is no place to add another loss.
    """

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return gradients[0], torch.ones(())


class ReferenceLearner(Learner):
    """Acts with PyTorch's modules and updates by Stable-Baselines3's ``PPO.train``, on one core."""

    policy_class = ReferencePolicy
    optimizer_class = torch.optim.Adam

    def __init__(self, policy: ActorCriticPolicy, config: TrainingConfig, cores: int = 1) -> None:
        self._policy = policy
        # PyTorch checks the arguments of distributions. This check is switched off here. Otherwise it would raise an
        # error on non-finite numbers before the guard of `MimicPPO` does. That error does not say what diverged.
        torch.distributions.Distribution.set_default_validate_args(False)

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Draw actions; see `Learner`."""
        return self._policy.get_distribution(torch.from_numpy(observations)).sample().numpy()

    @torch.no_grad()
    def values(self, observations: np.ndarray) -> np.ndarray:
        """Return the critic's values; see `Learner`."""
        return self._policy.predict_values(torch.from_numpy(observations))[:, 0].numpy()

    @torch.no_grad()
    def log_probabilities(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the log probabilities of actions; see `Learner`."""
        return self._policy.get_distribution(torch.from_numpy(observations)).log_prob(torch.from_numpy(actions)).numpy()

    def update(self, model: PPO) -> None:
        """Run Stable-Baselines3's own update."""
        PPO.train(model)

    def state(self) -> dict[str, np.ndarray]:
        """Return Adam's moments, shape ``(P,)`` in the order of the parameters, and the number of Adam's steps."""
        adam, parameters = self._policy.optimizer.state, list(self._policy.parameters())

        def joined(name: str) -> np.ndarray:
            # The optimiser has no state before its first step.
            parts = [adam[p][name] if p in adam else torch.zeros_like(p) for p in parameters]
            return torch.cat([part.detach().flatten() for part in parts]).numpy()

        steps = int(adam[parameters[0]]["step"]) if parameters[0] in adam else 0
        return {
            "first_moment": joined("exp_avg"),
            "second_moment": joined("exp_avg_sq"),
            "steps": np.array(steps),
        }

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from a state of `state`."""
        parameters = list(self._policy.parameters())
        sizes = [parameter.numel() for parameter in parameters]
        moments = (torch.from_numpy(arrays[name]).split(sizes) for name in ("first_moment", "second_moment"))
        for parameter, first, second in zip(parameters, *moments, strict=True):
            self._policy.optimizer.state[parameter] = {
                "step": torch.tensor(float(arrays["steps"])),
                "exp_avg": first.view(parameter.shape).clone(),
                "exp_avg_sq": second.view(parameter.shape).clone(),
            }
