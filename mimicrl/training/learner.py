"""PPO's two kinds of work, acting and learning, without a framework around them.

The algorithm is Stable-Baselines3's (Schulman et al. 2017, with advantages normalised in each minibatch): one update
from the same samples gives its weights within rounding. What makes it fast: no autograd, no distribution objects,
memory that is allocated once, statistics once an epoch, one optimiser step over one piece of memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import numpy as np
import torch
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import ActorCriticPolicy

from mimicrl import provenance
from mimicrl.config import TrainingConfig
from mimicrl.errors import ConfigError
from mimicrl.training.companion import Companion
from mimicrl.training.networks import Network
from mimicrl.training.optimizer import FlatAdam

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@dataclass(frozen=True)
class UpdateStatistics:
    """What an update was like, as means over its minibatches.

    Attributes:
        policy_loss: Clipped surrogate loss (Schulman et al. 2017, eq. 7).
        value_loss: Mean squared error of the values.
        entropy_loss: Minus the policy's entropy.
        approx_kl: KL divergence from the policy that acted, as mean of r − 1 − log r (Schulman 2020); last epoch only.
        clip_fraction: Share of samples whose probability ratio left the clip range.
        loss: The last minibatch's whole loss.
    """

    policy_loss: float
    value_loss: float
    entropy_loss: float
    approx_kl: float
    clip_fraction: float
    loss: float


class Learner:
    """Actor and critic of a policy, on memory of their own.

    Args:
        policy: The policy, whose optimiser is a `FlatAdam`.
        config: The hyper-parameters.
        threads: Threads there are. With twice PyTorch's the critic learns beside the actor, to the same bits.

    Raises:
        ConfigError: The configuration asks for products in bfloat16, which this processor does not have.
    """

    def __init__(self, policy: ActorCriticPolicy, config: TrainingConfig, threads: int = 1) -> None:
        self._config = config
        if config.matmul == "bfloat16":
            _require_bfloat16()
        assert isinstance(policy.optimizer, FlatAdam)
        self.optimizer = cast(FlatAdam, policy.optimizer)  # and none of PyTorch's own
        self._log_std = policy.log_std.detach()
        assert policy.log_std.grad is not None
        self._log_std_gradient = policy.log_std.grad
        extractor = policy.mlp_extractor
        layers = {
            "actor": [*extractor.policy_net, policy.action_net],
            "critic": [*extractor.value_net, policy.value_net],
        }
        linear = {name: [m for m in modules if isinstance(m, torch.nn.Linear)] for name, modules in layers.items()}
        rows = max(config.minibatch, config.n_envs)
        self._actor = Network(linear["actor"], config.activation, rows)
        self._critic = Network(linear["critic"], config.activation, rows)
        self._companion = Companion() if threads >= 2 * config.torch_threads else None

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Draw actions.

        Args:
            observations: Normalised, float32, shape ``(N, D)``.

        Returns:
            Shape ``(N, J)``, not clipped.
        """
        mean = self._actor.forward(torch.from_numpy(observations))
        return (mean + torch.randn_like(mean) * self._log_std.exp()).numpy()

    @torch.no_grad()
    def values(self, observations: np.ndarray) -> np.ndarray:
        """Return the critic's values, shape ``(n,)``, of normalised observations, float32, shape ``(n, D)``."""
        rows = self._config.minibatch
        parts = [self._critic.forward(part)[:, 0].clone() for part in torch.split(torch.from_numpy(observations), rows)]
        return torch.cat(parts).numpy()

    @torch.no_grad()
    def log_probabilities(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return the log probabilities, shape ``(n,)``, of actions, shape ``(n, J)``, for observations, ``(n, D)``."""
        rows, parts = self._config.minibatch, []
        for observed, acted in zip(
            torch.split(torch.from_numpy(observations), rows), torch.split(torch.from_numpy(actions), rows), strict=True
        ):
            deviation = (acted - self._actor.forward(observed)) / self._log_std.exp()
            parts.append(self._log_probability(deviation))
        return torch.cat(parts).numpy()

    def _log_probability(self, deviation: torch.Tensor) -> torch.Tensor:
        """Return the log probability, shape ``(n,)``, of actions so many standard deviations off the mean."""
        constant = self._log_std.sum() + _HALF_LOG_2PI * deviation.shape[1]
        return -0.5 * (deviation * deviation).sum(1) - constant

    @torch.no_grad()
    def update(self, buffer: RolloutBuffer, learning_rate: float, clip_range: float) -> UpdateStatistics:
        """Change the policy, with the samples of a rollout.

        Args:
            buffer: A full buffer.
            learning_rate: Adam's step size.
            clip_range: How far the probability ratio counts.
        """
        config = self._config
        self.optimizer.lr = learning_rate
        samples = _Samples.of(buffer)
        with _products_in(config.matmul):
            epochs = [self._epoch(samples.shuffled(), clip_range) for _ in range(config.n_epochs)]
        means = torch.stack(epochs).mean(dim=(0, 2)).tolist()
        policy_loss, value_loss, entropy_loss, _, clip_fraction = means
        last = epochs[-1]
        loss = last[0, -1] + config.ent_coef * last[2, -1] + config.vf_coef * last[1, -1]
        return UpdateStatistics(
            policy_loss, value_loss, entropy_loss, float(last[3].mean()), clip_fraction, float(loss)
        )

    def _epoch(self, samples: _Samples, clip_range: float) -> torch.Tensor:
        """Pass over all samples once; return the statistics of each minibatch, shape ``(5, minibatches)``."""
        rows = self._config.minibatch
        count = len(samples.actions) // rows
        advantages = samples.advantages.view(count, rows)
        advantages = (advantages - advantages.mean(1, keepdim=True)) / (advantages.std(1, keepdim=True) + 1e-8)
        log_ratios, errors = torch.empty(count, rows), torch.empty(count, rows)
        entropies = torch.empty(count)
        parts = (samples.observations, samples.actions, samples.log_probabilities, samples.returns)
        minibatches = zip(*(torch.split(part, rows) for part in parts), strict=True)
        for index, (observations, actions, old, returns) in enumerate(minibatches):
            entropies[index] = self._log_std.sum()
            actor = partial(
                self._actor_gradients, observations, actions, old, advantages[index], clip_range, log_ratios[index]
            )
            critic = partial(self._critic_gradients, observations, returns, errors[index])
            if self._companion:
                self._companion.both(actor, critic)
            else:
                actor()
                critic()
            self.optimizer.step(self._config.max_grad_norm)
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
        """Flatten a buffer as Stable-Baselines3 does: environment by environment."""
        arrays = (buffer.observations, buffer.actions, buffer.log_probs, buffer.advantages, buffer.returns)
        flat = (torch.from_numpy(np.ascontiguousarray(array.swapaxes(0, 1))).flatten(0, 1) for array in arrays)
        return cls(*flat)

    def shuffled(self) -> _Samples:
        """Return them in a random order, drawn from NumPy's generator as Stable-Baselines3 does."""
        order = torch.from_numpy(np.random.permutation(len(self.actions)))  # noqa: NPY002  # the checkpoint has its state
        return _Samples(*(part[order] for part in vars(self).values()))


_BFLOAT16 = ("amx_bf16", "avx512_bf16", "avx10")


def _require_bfloat16() -> None:
    has = provenance.cpu()["vector_instructions"]
    if not any(flag.startswith(_BFLOAT16) for flag in has):
        raise ConfigError(
            "this processor has no products in bfloat16",
            where="training.matmul",
            got="bfloat16",
            expected=f"one of its instruction sets {', '.join(_BFLOAT16)}",
            fix="set it to float32",
        )


@contextmanager
def _products_in(precision: Literal["float32", "bfloat16"]) -> Iterator[None]:
    """Have matrix products round their factors to a precision while the block runs; sums stay in float32."""
    settings = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = settings.fp32_precision
    if precision == "bfloat16":
        settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before
