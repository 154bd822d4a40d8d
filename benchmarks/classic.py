"""The classic stack that the benchmarks compare with: Stable-Baselines3's PPO on a process an environment.

``PPO(VecNormalize(SubprocVecEnv(Monitor(env))))`` with the project's environment and hyper-parameters, and nothing else
of the project: no learner, no batch, no guard.
"""

from __future__ import annotations

from functools import partial
from multiprocessing import set_forkserver_preload
from typing import Any

import gymnasium
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

from mimicrl.config import RunConfig
from mimicrl.mimic.task import Task
from mimicrl.training.schedules import value_at


def make_env(config: RunConfig) -> gymnasium.Env[Any, Any]:
    """Return one environment of a run of a generated walk, in whatever process it is called."""
    torch.set_num_threads(1)
    return Monitor(Task.of_gait(config.motion.speed_mps or 1.25, config.mimic).env())


def environments(config: RunConfig) -> VecNormalize:
    """Return a run's environments, a process each."""
    set_forkserver_preload(["benchmarks.classic"])
    processes = SubprocVecEnv([partial(make_env, config)] * config.training.n_envs, start_method="forkserver")
    return VecNormalize(processes, gamma=config.training.gamma)


def learner(config: RunConfig, env: VecNormalize) -> PPO:
    """Return Stable-Baselines3's learner with a run's hyper-parameters."""
    training = config.training

    def schedule(of: Any, remaining: float) -> float:
        samples = round((1.0 - remaining) * training.total_timesteps)
        return value_at(of, samples, training.total_timesteps)

    model = PPO(
        "MlpPolicy",
        env,
        learning_rate=partial(schedule, training.learning_rate),
        clip_range=partial(schedule, training.clip_range),
        n_steps=training.n_steps,
        batch_size=training.minibatch,
        n_epochs=training.n_epochs,
        gamma=training.gamma,
        gae_lambda=training.gae_lambda,
        ent_coef=training.ent_coef,
        vf_coef=training.vf_coef,
        max_grad_norm=training.max_grad_norm,
        policy_kwargs={
            "net_arch": {"pi": list(training.actor), "vf": list(training.critic)},
            "activation_fn": torch.nn.ReLU if training.activation == "relu" else torch.nn.Tanh,
            "log_std_init": training.log_std_init,
        },
        seed=config.seed,
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    return model
