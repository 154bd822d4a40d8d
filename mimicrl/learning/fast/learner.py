"""The fast learner: PPO's acting and learning without a framework around them.

The algorithm is Stable-Baselines3's (Schulman et al. 2017, with advantages normalised in each minibatch): one update
from the same samples gives its weights within rounding. It is fast because it uses no autograd and no distribution
objects, allocates memory once, computes statistics once per epoch, and steps the optimiser over one piece of memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import explained_variance

from mimicrl.config import TrainingConfig
from mimicrl.learning.base import Learner, linear_layers
from mimicrl.learning.fast.adam import FlatAdam
from mimicrl.learning.fast.networks import Network

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


class FastLearner(Learner):
    """Works on the policy's own parameters and gradients, which its `FlatAdam` has moved into one piece of memory.

    With two cores or more the critic learns in a second thread while the actor learns in the caller's. PyTorch releases
    Python's interpreter lock inside its operations. Each operation runs on one thread (``torch.set_num_threads(1)``),
    so its result has the same bits on any number of cores.
    """

    optimizer_class = FlatAdam

    def __init__(self, policy: ActorCriticPolicy, config: TrainingConfig, cores: int = 1) -> None:
        self._config = config
        assert isinstance(policy.optimizer, FlatAdam)
        self._optimizer = cast(FlatAdam, policy.optimizer)  # and none of PyTorch's own
        assert policy.log_std.grad is not None
        self._log_std, self._log_std_gradient = policy.log_std.detach(), policy.log_std.grad
        layers, rows = linear_layers(policy), max(config.batch_size, config.n_envs)
        self._actor = Network(layers["actor"], config.activation_fn, rows)
        self._critic = Network(layers["critic"], config.activation_fn, rows)
        # `get_num_threads` applies the process's number of threads to the new one.
        self._second = ThreadPoolExecutor(1, "critic", torch.get_num_threads) if cores > 1 else None

    def close(self) -> None:
        """End the critic's thread."""
        if self._second:
            self._second.shutdown()

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Draw actions; see `Learner`."""
        mean = self._actor.forward(torch.from_numpy(observations))
        return (mean + torch.randn_like(mean) * self._log_std.exp()).numpy()

    @torch.no_grad()
    def values(self, observations: np.ndarray) -> np.ndarray:
        """Return the critic's values; see `Learner`."""
        parts = torch.split(torch.from_numpy(observations), self._config.batch_size)
        return torch.cat([self._critic.forward(part)[:, 0].clone() for part in parts]).numpy()

    @torch.no_grad()
    def log_probabilities(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the log probabilities of actions; see `Learner`."""
        rows, parts = self._config.batch_size, []
        tensors = (torch.from_numpy(array) for array in (observations, actions))
        for observed, acted in zip(*(torch.split(tensor, rows) for tensor in tensors), strict=True):
            parts.append(self._log_probability((acted - self._actor.forward(observed)) / self._log_std.exp()))
        return torch.cat(parts).numpy()

    def _log_probability(self, deviation: torch.Tensor) -> torch.Tensor:
        """Return the log probability, shape ``(n,)``, of actions so many standard deviations off the mean."""
        constant = self._log_std.sum() + _HALF_LOG_2PI * deviation.shape[1]
        return -0.5 * (deviation * deviation).sum(1) - constant

    def state(self) -> dict[str, np.ndarray]:
        """Return Adam's moments, shape ``(P,)`` as they lie in memory, and its steps."""
        optimizer = self._optimizer
        return {
            "first_moment": optimizer.first_moment.numpy(),
            "second_moment": optimizer.second_moment.numpy(),
            "steps": np.array(optimizer.steps),
        }

    def load_state(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Continue from a state of `state`."""
        self._optimizer.first_moment.copy_(torch.from_numpy(arrays["first_moment"]))
        self._optimizer.second_moment.copy_(torch.from_numpy(arrays["second_moment"]))
        self._optimizer.steps = int(arrays["steps"])

    @torch.no_grad()
    def update(self, model: PPO) -> None:
        """Change the policy, as `Learner` says, and log what the update was like.

        Logged are, under Stable-Baselines3's names, means over all minibatches: ``policy_gradient_loss``, the clipped
        surrogate (Schulman et al. 2017, eq. 7); ``value_loss``, the values' mean squared error; ``entropy_loss``, minus
        the entropy; ``clip_fraction``, the share of samples whose probability ratio left the clip range. ``approx_kl``,
        the KL divergence from the policy that acted as mean of r − 1 − log r (Schulman 2020), is that of the last
        epoch, and ``loss`` that of the last minibatch.
        """
        config, buffer = self._config, model.rollout_buffer
        self._optimizer.lr = model.lr_schedule(model._current_progress_remaining)
        clip_range = model.clip_range(model._current_progress_remaining)  # type: ignore[operator]  # a schedule by now
        samples = _Samples.of(buffer)
        epochs = [self._epoch(samples.shuffled(), clip_range) for _ in range(config.n_epochs)]
        model._n_updates += config.n_epochs
        policy_loss, value_loss, entropy_loss, _, clip_fraction = torch.stack(epochs).mean(dim=(0, 2)).tolist()
        last = epochs[-1]
        rows = {
            "policy_gradient_loss": policy_loss,
            "value_loss": value_loss,
            "entropy_loss": entropy_loss,
            "approx_kl": float(last[3].mean()),
            "clip_fraction": clip_fraction,
            "loss": float(last[0, -1] + config.ent_coef * last[2, -1] + config.vf_coef * last[1, -1]),
            "explained_variance": float(explained_variance(buffer.values.ravel(), buffer.returns.ravel())),
            "std": float(self._log_std.exp().mean()),
            "learning_rate": self._optimizer.lr,
            "clip_range": clip_range,
        }
        for name, value in rows.items():
            model.logger.record(f"train/{name}", value)
        model.logger.record("train/n_updates", model._n_updates, exclude="tensorboard")

    def _epoch(self, samples: _Samples, clip_range: float) -> torch.Tensor:
        """Pass over all samples once; return the statistics of each minibatch, shape ``(5, minibatches)``."""
        rows = self._config.batch_size
        count = len(samples.actions) // rows
        advantages = samples.advantages.view(count, rows)
        advantages = (advantages - advantages.mean(1, keepdim=True)) / (advantages.std(1, keepdim=True) + 1e-8)
        log_ratios, errors = torch.empty_like(advantages), torch.empty_like(advantages)
        entropies = advantages.new_empty(count)
        parts = (samples.observations, samples.actions, samples.log_probabilities, samples.returns)
        minibatches = zip(*(torch.split(part, rows) for part in parts), strict=True)
        for index, (observations, actions, old, returns) in enumerate(minibatches):
            entropies[index] = self._log_std.sum()
            actor = partial(
                self._actor_gradients, observations, actions, old, advantages[index], clip_range, log_ratios[index]
            )
            critic = partial(self._critic_gradients, observations, returns, errors[index])
            self._both(actor, critic)
            self._optimizer.step(self._config.max_grad_norm)
        ratios = log_ratios.exp()
        surrogate = torch.min(advantages * ratios, advantages * ratios.clamp(1.0 - clip_range, 1.0 + clip_range))
        entropies += samples.actions.shape[1] * (0.5 + _HALF_LOG_2PI)
        return torch.stack(
            [
                -surrogate.mean(1),
                errors.square().mean(1),
                -entropies,
                (ratios - 1.0 - log_ratios).mean(1),
                ((ratios - 1.0).abs() > clip_range).float().mean(1),
            ]
        )

    def _both(self, actor: Callable[[], None], critic: Callable[[], None]) -> None:
        """Do the work of both, at the same time where there is a second thread."""
        if self._second is None:
            actor()
            critic()
            return
        other = self._second.submit(critic)
        try:
            actor()
        finally:
            other.result()

    @torch.no_grad()  # of the thread that calls it
    def _actor_gradients(
        self,
        observations: torch.Tensor,
        actions: torch.Tensor,
        old: torch.Tensor,
        advantages: torch.Tensor,
        clip_range: float,
        log_ratio: torch.Tensor,
    ) -> None:
        """Write the actor's gradients of one minibatch; `log_ratio` takes what the statistics need."""
        inverse_std = (-self._log_std).exp()
        deviation = (actions - self._actor.forward(observations)) * inverse_std
        torch.sub(self._log_probability(deviation), old, out=log_ratio)
        ratio = log_ratio.exp()
        # The surrogate min(r A, clip(r) A) has the derivative A by r, but none where the clipped one is the smaller.
        clipped = torch.where(advantages > 0, ratio > 1.0 + clip_range, ratio < 1.0 - clip_range)
        by_log_probability = (advantages * ratio * (-1.0 / len(actions))).masked_fill_(clipped, 0.0)[:, None]
        # log p = −½ Σ d² − Σ log σ − …, where d = (a − μ) / σ: ∂/∂μ = d / σ, ∂/∂log σ = d² − 1.
        torch.mm(by_log_probability.t(), deviation.square() - 1.0, out=self._log_std_gradient[None])
        self._log_std_gradient.sub_(self._config.ent_coef)
        self._actor.backward(deviation.mul_(inverse_std).mul_(by_log_probability))

    @torch.no_grad()
    def _critic_gradients(self, observations: torch.Tensor, returns: torch.Tensor, error: torch.Tensor) -> None:
        """Write the critic's gradients of one minibatch; `error` takes what the statistics need."""
        torch.sub(self._critic.forward(observations)[:, 0], returns, out=error)
        self._critic.backward((error * (2.0 * self._config.vf_coef / len(error)))[:, None])


@dataclass(frozen=True)
class _Samples:
    """The n samples of a rollout."""

    observations: torch.Tensor
    actions: torch.Tensor
    log_probabilities: torch.Tensor
    advantages: torch.Tensor
    returns: torch.Tensor

    @classmethod
    def of(cls, buffer: RolloutBuffer) -> _Samples:
        """Flatten a buffer as Stable-Baselines3 does, environment by environment."""
        arrays = (buffer.observations, buffer.actions, buffer.log_probs, buffer.advantages, buffer.returns)
        return cls(*(torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1))).flatten(0, 1) for array in arrays))

    def shuffled(self) -> _Samples:
        """Return them in a random order, drawn from NumPy's generator as Stable-Baselines3 does."""
        drawn = np.random.permutation(len(self.actions))  # noqa: NPY002  # the checkpoint has its state
        order = torch.from_numpy(drawn)
        return _Samples(*(part[order] for part in vars(self).values()))
