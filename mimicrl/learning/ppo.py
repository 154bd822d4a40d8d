"""Stable-Baselines3's PPO with an exchangeable learner, schedules over samples and a guard against divergence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from mimicrl.config import TrainingConfig
from mimicrl.errors import TrainingDiverged
from mimicrl.learning.base import Learner, linear_layers
from mimicrl.learning.fast.learner import FastLearner
from mimicrl.learning.reference import ReferenceLearner
from mimicrl.learning.schedules import value_at
from mimicrl.policy import Policy

LEARNERS: dict[str, type[Learner]] = {"fast": FastLearner, "sb3": ReferenceLearner}


class MimicPPO(PPO):
    """PPO (Schulman et al. 2017) whose last finite policy survives a divergence.

    Args:
        config: The hyper-parameters.
        env: The normalised environments.
        seed: Seed of the networks' initial weights and of the policy's noise.
        cores: Cores that the learner may use; any number gives the same bits.
    """

    def __init__(self, config: TrainingConfig, env: VecNormalize, seed: int, cores: int = 1) -> None:
        self.config = config
        self.num_timesteps = 0
        kind = LEARNERS[config.update]
        super().__init__(
            kind.policy_class,
            env,
            # Stable-Baselines3's progress depends on the budget; samples alone make a longer run an extension.
            learning_rate=lambda _: value_at(config.learning_rate, self.num_timesteps, config.total_timesteps),
            clip_range=lambda _: value_at(config.clip_range, self.num_timesteps, config.total_timesteps),
            n_steps=config.n_steps,
            batch_size=config.batch_size,
            n_epochs=config.n_epochs,
            gamma=config.gamma,
            gae_lambda=config.gae_lambda,
            ent_coef=config.ent_coef,
            vf_coef=config.vf_coef,
            max_grad_norm=config.max_grad_norm,
            policy_kwargs={
                "net_arch": {"pi": list(config.net_arch.pi), "vf": list(config.net_arch.vf)},
                "activation_fn": torch.nn.ReLU if config.activation_fn == "relu" else torch.nn.Tanh,
                "log_std_init": config.log_std_init,
                "optimizer_class": kind.optimizer_class,
            },
            seed=seed,
            device="cpu",
        )
        self.learner: Learner = kind(self.policy, config, cores)

    @property
    def normalizer(self) -> VecNormalize:
        """The environments' normaliser."""
        assert isinstance(self.env, VecNormalize)
        return self.env

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Collect samples, as Stable-Baselines3 does, but ask the critic once for all of them.

        Args:
            env: The normalised environments.
            callback: Told of each step.
            rollout_buffer: Takes the samples.
            n_rollout_steps: Steps of each environment.

        Returns:
            Whether to go on.

        Raises:
            TrainingDiverged: An action, an observation or a reward is not finite.
        """
        callback.on_rollout_start()
        rollout_buffer.reset()
        try:
            if not self._act(env, callback, rollout_buffer, n_rollout_steps):
                return False
        except TrainingDiverged as error:
            raise TrainingDiverged(
                error.what,
                where=f"rollout after update {self._n_updates}, {error.where}",
                got=error.got,
                fix=error.fix,
            ) from error
        self._assess(rollout_buffer)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _act(self, env: VecEnv, callback: BaseCallback, buffer: RolloutBuffer, steps: int) -> bool:
        """Step the environments and fill a buffer with what was observed, done and earned."""
        low, high = self.action_space.low, self.action_space.high  # type: ignore[attr-defined]
        truncated: list[tuple[int, int, np.ndarray]] = []
        for step in range(steps):
            buffer.observations[step], buffer.episode_starts[step] = self._last_obs, self._last_episode_starts
            actions = buffer.actions[step] = self.learner.act(buffer.observations[step])
            observations, rewards, dones, infos = env.step(np.minimum(np.maximum(actions, low), high))
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            buffer.rewards[step] = rewards
            ended = np.flatnonzero(dones).tolist()
            if ended:  # else there is no word of an episode in them
                self._update_info_buffer(infos, dones)
            for index in ended:
                if infos[index].get("TimeLimit.truncated", False):
                    truncated.append((step, index, infos[index]["terminal_observation"]))
            self._last_obs, self._last_episode_starts = np.asarray(observations), dones
        if truncated:  # the return goes on behind a time limit (Pardo et al. 2018)
            at, of, last = (np.array(part) for part in zip(*truncated, strict=True))
            buffer.rewards[at, of] += self.gamma * self.learner.values(last)
        return True

    def _assess(self, buffer: RolloutBuffer) -> None:
        """Fill a buffer with values, log probabilities, advantages and returns."""
        observations = buffer.observations.reshape(-1, buffer.observations.shape[-1])
        actions = buffer.actions.reshape(len(observations), -1)
        buffer.values[:] = self.learner.values(observations).reshape(buffer.values.shape)
        buffer.log_probs[:] = self.learner.log_probabilities(observations, actions).reshape(buffer.log_probs.shape)
        buffer.pos, buffer.full = buffer.buffer_size, True
        last = torch.from_numpy(self.learner.values(np.asarray(self._last_obs)))
        buffer.compute_returns_and_advantage(last, np.asarray(self._last_episode_starts))

    def train(self) -> None:
        """Update the policy with the collected samples.

        Raises:
            TrainingDiverged: A weight or the loss is not finite, or the policy moved further than any healthy one
                does; the policy is then the one from before.
        """
        before = {name: tensor.clone() for name, tensor in self.policy.state_dict().items()}
        self.learner.update(self)
        try:
            self._check_update()
        except TrainingDiverged:
            self.policy.load_state_dict(before)
            raise

    def _check_update(self) -> None:
        where = f"update {self._n_updates}, after {self.num_timesteps} samples"
        logged = self.logger.name_to_value
        for name in ("train/loss", "train/value_loss", "train/approx_kl"):
            if not np.isfinite(logged[name]):
                raise TrainingDiverged(
                    f"{name} is not finite", where=where, got=logged[name], fix="lower the learning rate"
                )
        for name, parameter in self.policy.named_parameters():
            if not torch.isfinite(parameter).all():
                raise TrainingDiverged(
                    "a weight is not finite", where=f"{where}, {name}", fix="lower the learning rate"
                )
        if logged["train/approx_kl"] > self.config.max_kl:
            raise TrainingDiverged(
                "an update moved the policy too far",
                where=where,
                got=f"KL divergence {logged['train/approx_kl']:.3g}",
                expected=f"at most {self.config.max_kl:g} (training.max_kl; healthy runs stay below 0.5)",
                fix="lower the learning rate or the clip range",
            )

    def export(self, about: dict[str, Any]) -> Policy:
        """Return the policy as it is now.

        Args:
            about: What ``policy.json`` should tell besides.
        """
        tensors: dict[str, np.ndarray] = {"log_std": _numpy(self.policy.log_std)}
        for name, layers in linear_layers(self.policy).items():
            for number, layer in enumerate(layers):
                tensors[f"{name}.{number}.weight"] = _numpy(layer.weight)
                tensors[f"{name}.{number}.bias"] = _numpy(layer.bias)
        statistics = self.normalizer.obs_rms
        tensors["observation.mean"] = np.array(statistics.mean)  # type: ignore[union-attr]  # one Box, no Dict
        tensors["observation.variance"] = np.array(statistics.var)  # type: ignore[union-attr]
        return Policy(tensors, self.config.activation_fn, float(self.normalizer.clip_obs), about)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().copy()
