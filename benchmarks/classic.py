"""The classic stack that the benchmarks compare with: Stable-Baselines3's PPO with one process per environment.

It is ``PPO(VecNormalize(SubprocVecEnv(Monitor(env))))`` with the project's environment and hyper-parameters. It uses
nothing else of the project: no learner, no batch, no guard. ``python -m benchmarks.classic RUN.json LIMIT`` trains a
run until its first success, or until it has used LIMIT seconds of processor time, and prints both as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from multiprocessing import set_forkserver_preload
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import SubprocVecEnv, VecNormalize

from benchmarks.paired import cpu_seconds, descendants_clocks
from mimicrl.config import RunConfig
from mimicrl.envs.task import Task
from mimicrl.evaluation.metrics import judge, summarize
from mimicrl.evaluation.rollout import roll_out
from mimicrl.learning.schedules import value_at


def make_env(config: RunConfig) -> gymnasium.Env[Any, Any]:
    """Return one environment of a run of a generated walk."""
    torch.set_num_threads(1)
    return Monitor(Task.of_gait(config.motion.speed_mps or 1.25, config.mdp).env())


def environments(config: RunConfig) -> VecNormalize:
    """Return a run's environments, each in a process of its own."""
    set_forkserver_preload(["mimicrl.envs.task", "stable_baselines3"])
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
        batch_size=training.batch_size,
        n_epochs=training.n_epochs,
        gamma=training.gamma,
        gae_lambda=training.gae_lambda,
        ent_coef=training.ent_coef,
        vf_coef=training.vf_coef,
        max_grad_norm=training.max_grad_norm,
        policy_kwargs={
            "net_arch": {"pi": list(training.net_arch.pi), "vf": list(training.net_arch.vf)},
            "activation_fn": torch.nn.ReLU if training.activation_fn == "relu" else torch.nn.Tanh,
            "log_std_init": training.log_std_init,
        },
        seed=config.seed,
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    return model


class _Policy:
    """The policy of a learner in training, as `roll_out` calls it."""

    def __init__(self, model: PPO, normalizer: VecNormalize) -> None:
        self._model, self._normalizer = model, normalizer

    def predict(self, observations: np.ndarray) -> np.ndarray:
        normalized = cast(np.ndarray, self._normalizer.normalize_obs(observations))
        return self._model.predict(normalized, deterministic=True)[0]


class _UntilSuccess(BaseCallback):
    """Evaluates as `mimicrl train` does, and stops at the first success or at the limit of processor time."""

    def __init__(self, config: RunConfig, normalizer: VecNormalize, limit_s: float) -> None:
        super().__init__()
        task = Task.of_gait(config.motion.speed_mps or 1.25, config.mdp)
        self._settings = config.evaluation
        self._batch = task.evaluation_batch(self._settings.episodes, self._settings.seconds)
        self._normalizer, self._limit_s, self._done = normalizer, limit_s, 0
        self._clocks = descendants_clocks()
        self.passed: dict[str, float] | None = None
        self.success: dict[str, float] | None = None
        self.cpu_s = 0.0

    def _on_rollout_start(self) -> None:
        self.cpu_s = cpu_seconds(self._clocks)
        if self.num_timesteps < (self._done + 1) * self._settings.eval_freq:
            return
        self._done = self.num_timesteps // self._settings.eval_freq
        phases = self._settings.start_phases(shifted=self._done % 2 == 0)
        policy: Any = _Policy(cast(PPO, self.model), self._normalizer)
        summary = summarize(judge(roll_out(policy, self._batch, phases), self._settings))
        if summary.all_stable and self.passed:
            self.success = self.passed
        cpu_s = cpu_seconds(self._clocks)
        self.passed = {"samples": self.num_timesteps, "cpu_s": cpu_s} if summary.all_stable else None

    def _on_step(self) -> bool:
        return self.success is None and self.cpu_s < self._limit_s


def main() -> None:
    """Train the run of a JSON file."""
    config = RunConfig.model_validate_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(config.training.cores)
    env = environments(config)
    try:
        callback = _UntilSuccess(config, env, float(sys.argv[2]))
        begin = time.perf_counter()
        model = learner(config, env)
        model.learn(config.training.total_timesteps, callback)
        told = {"success": callback.success, "samples": model.num_timesteps, "cpu_s": callback.cpu_s}
        print(json.dumps(told | {"seconds": time.perf_counter() - begin}))
    finally:
        env.close()


if __name__ == "__main__":
    main()
