"""Stable-Baselines3's PPO with schedules over samples and a guard against divergence."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from mimicrl.config import TrainingConfig
from mimicrl.errors import TrainingDiverged
from mimicrl.policy import Policy
from mimicrl.training.guard import FiniteGuard
from mimicrl.training.schedules import value_at


class MimicPPO(PPO):
    """PPO (Schulman et al. 2017) whose last finite policy survives a divergence.

    Args:
        config: The hyper-parameters.
        env: The normalised environments.
        seed: Seed of the networks' initial weights and of the policy's noise.
    """

    def __init__(self, config: TrainingConfig, env: VecNormalize, seed: int) -> None:
        self.config = config
        self.num_timesteps = 0
        super().__init__(
            "MlpPolicy",
            env,
            # Stable-Baselines3's progress depends on the budget; samples alone make a longer run an extension.
            learning_rate=lambda _: value_at(config.learning_rate, self.num_timesteps, config.total_timesteps),
            clip_range=lambda _: value_at(config.clip_range, self.num_timesteps, config.total_timesteps),
            n_steps=config.n_steps,
            batch_size=config.minibatch,
            n_epochs=config.n_epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            ent_coef=config.ent_coef,
            vf_coef=config.vf_coef,
            max_grad_norm=config.max_grad_norm,
            policy_kwargs={
                "net_arch": {"pi": list(config.actor), "vf": list(config.critic)},
                "activation_fn": torch.nn.ReLU if config.activation == "relu" else torch.nn.Tanh,
                "log_std_init": config.log_std_init,
            },
            seed=seed,
            device="cpu",
        )

    @property
    def normalizer(self) -> VecNormalize:
        """The environments' normaliser."""
        assert isinstance(self.env, VecNormalize)
        return self.env

    def collect_rollouts(self, *arguments: Any, **options: Any) -> bool:
        """Collect samples; see Stable-Baselines3.

        Raises:
            TrainingDiverged: An action, an observation or a reward is not finite.
        """
        try:
            try:
                return super().collect_rollouts(*arguments, **options)
            except ValueError:
                self._refuse_outputs()  # PyTorch's distributions raise it when the networks' output is not a number
                raise
        except TrainingDiverged as error:
            raise TrainingDiverged(
                error.what,
                where=f"rollout after update {self._n_updates}, {error.where}",
                got=error.got,
                fix=error.fix,
            ) from error

    def _refuse_outputs(self) -> None:
        """Raise `TrainingDiverged` where the policy's actions for the last observations are not finite."""
        guard = self.normalizer.venv
        if isinstance(guard, FiniteGuard) and isinstance(self._last_obs, np.ndarray):
            with torch.no_grad():
                features = self.policy.mlp_extractor.forward_actor(torch.from_numpy(self._last_obs))
                spread = self.policy.action_net(features) + self.policy.log_std.exp()
            guard.refuse_actions(spread.numpy())

    def train(self) -> None:
        """Update the policy with the collected samples.

        Raises:
            TrainingDiverged: A weight or the loss is not finite, or the policy moved further than any healthy one
                does; the policy is then the one from before.
        """
        before = copy.deepcopy(self.policy.state_dict())
        try:
            super().train()
            self._check_update()
        except (TrainingDiverged, ValueError) as error:
            # PyTorch's distributions raise ValueError when the networks' output is not a number.
            self.policy.load_state_dict(before)
            if isinstance(error, TrainingDiverged):
                raise
            raise TrainingDiverged(
                "the policy's output is not finite", where=self._where(), fix="lower the learning rate"
            ) from error

    def _where(self) -> str:
        return f"update {self._n_updates}, after {self.num_timesteps} samples"

    def _check_update(self) -> None:
        where = self._where()
        values = self.logger.name_to_value
        for name in ("train/loss", "train/value_loss", "train/approx_kl"):
            if not np.isfinite(values.get(name, 0.0)):
                raise TrainingDiverged(
                    f"{name} is not finite", where=where, got=values[name], fix="lower the learning rate"
                )
        for name, parameter in self.policy.named_parameters():
            if not torch.isfinite(parameter).all():
                raise TrainingDiverged(
                    "a weight is not finite", where=f"{where}, {name}", fix="lower the learning rate"
                )
        kl = float(values.get("train/approx_kl", 0.0))
        if kl > self.config.max_kl:
            raise TrainingDiverged(
                "an update moved the policy too far",
                where=where,
                got=f"KL divergence {kl:.3g}",
                expected=f"at most {self.config.max_kl:g} (training.max_kl; healthy runs stay below 0.5)",
                fix="lower the learning rate or the clip range",
            )

    def export(self, about: dict[str, Any]) -> Policy:
        """Return the policy as it is now.

        Args:
            about: What ``policy.json`` should tell besides.
        """
        tensors: dict[str, np.ndarray] = {"log_std": _numpy(self.policy.log_std)}
        networks = {
            "actor": [*self.policy.mlp_extractor.policy_net, self.policy.action_net],
            "critic": [*self.policy.mlp_extractor.value_net, self.policy.value_net],
        }
        for name, modules in networks.items():
            linear = [module for module in modules if isinstance(module, torch.nn.Linear)]
            for layer, module in enumerate(linear):
                tensors[f"{name}.{layer}.weight"] = _numpy(module.weight)
                tensors[f"{name}.{layer}.bias"] = _numpy(module.bias)
        statistics = self.normalizer.obs_rms
        tensors["observation.mean"] = np.array(statistics.mean)  # type: ignore[union-attr]  # one Box, no Dict
        tensors["observation.variance"] = np.array(statistics.var)  # type: ignore[union-attr]
        return Policy(tensors, self.config.activation, float(self.normalizer.clip_obs), about)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy()
