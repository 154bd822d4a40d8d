"""The programs that the benchmarks compare (a learner with its environments): classic stack, this project, sbx."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger

from benchmarks import classic, paired
from benchmarks.paired import Work
from mimicrl.config import RunConfig
from mimicrl.envs.task import Task
from mimicrl.learning.ppo import MimicPPO
from mimicrl.machine import usable_cores
from mimicrl.training import vec_envs


def config(training: dict[str, Any], mdp: dict[str, int]) -> RunConfig:
    """Return a run with a budget that it never reaches."""
    about = {"study": "benchmark", "experiment": "training", "seed": 1}
    sections = {"training": {"total_timesteps": 10**8, **training}, "mdp": mdp}
    return RunConfig.model_validate_json(json.dumps(about | sections))


class Stacks:
    """Makes learners and keeps them until the end of the block.

    Args:
        folder: The folder for the runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._opened = folder, ExitStack()

    def __enter__(self) -> Stacks:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def classic(self, training: dict[str, Any], mdp: dict[str, int]) -> Work:
        """Return the classic stack's work: one iteration per turn, each operation on all of the run's cores."""
        run = config(training, mdp)
        env = classic.environments(run)
        self._opened.callback(env.close)
        model = classic.learner(run, env)
        return self._iteration(model, run.training.cores, lambda: model.learn(_rollout(run), reset_num_timesteps=False))

    def ours(self, training: dict[str, Any], mdp: dict[str, int]) -> Work:
        """Return this project's work: one iteration per turn."""
        model = self.model(training, mdp)
        run = config(training, mdp)

        def learn() -> object:
            return model.learn(_rollout(run), log_interval=None, reset_num_timesteps=False)  # type: ignore[arg-type]

        return self._iteration(model, 1, learn)

    def model(self, training: dict[str, Any], mdp: dict[str, int], cores: int | None = None) -> MimicPPO:
        """Return this project's learner, ready to collect, on `cores` cores (by default all)."""
        wanted = config(training, mdp)
        torch.set_num_threads(1)  # as training does; the critic's thread inherits it
        cores = cores or usable_cores()
        name = f"run-{len(list(self._folder.iterdir()))}"
        run = paired.prepare(
            self._folder / name,
            training=wanted.model_dump(mode="json")["training"],
            mdp=mdp,
        )
        env = vec_envs.make(run, Task.of_run(run), cores)
        self._opened.callback(env.close)
        env.seed(1)
        model = MimicPPO(run.config.training, env, 1, cores)
        self._opened.callback(model.learner.close)
        model.set_logger(Logger(None, []))
        return model

    def sbx(self, training: dict[str, Any], mdp: dict[str, int]) -> Work:
        """Return sbx's work on this project's environments: one iteration per turn."""
        import flax.linen as nn  # type: ignore[import-not-found]
        import sbx  # type: ignore[import-not-found]

        run = config(training, mdp).training
        env = self.model(training, mdp).normalizer
        model = sbx.PPO(
            "MlpPolicy",
            env,
            learning_rate=run.learning_rate.start,
            n_steps=run.n_steps,
            batch_size=run.batch_size,
            n_epochs=run.n_epochs,
            gamma=run.gamma,
            policy_kwargs={
                "net_arch": {"pi": list(run.net_arch.pi), "vf": list(run.net_arch.vf)},
                "activation_fn": nn.relu if run.activation_fn == "relu" else nn.tanh,
            },
            seed=1,
        )
        model.set_logger(Logger(None, []))
        samples = run.n_envs * run.n_steps

        def work() -> float:
            model.learn(samples, reset_num_timesteps=False)
            return float(samples)

        return work

    @staticmethod
    def _iteration(model: Any, torch_threads: int, learn: Callable[[], object]) -> Work:
        def work() -> float:
            torch.set_num_threads(torch_threads)
            before = model.num_timesteps
            learn()
            return float(model.num_timesteps - before)

        return work


def _rollout(run: RunConfig) -> int:
    return run.training.n_envs * run.training.n_steps
