"""The environments of a run: one batch, or Stable-Baselines3's classic vector environments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.envs.task import Task
from mimicrl.learning.finite_check import FiniteCheckWrapper
from mimicrl.learning.normalizer import FastVecNormalize
from mimicrl.mdp.observations import Observation
from mimicrl.runs import Run
from mimicrl.training.workers import WorkerVecEnv

CLIP = 10.0


@dataclass(frozen=True)
class _MakeEnv:
    """Makes one environment of a run, in whatever process it is called."""

    run: Path

    def __call__(self) -> Monitor:
        # Monitor would add nothing to the episode's end but its own clock; it is part of the classic stack.
        return Monitor(Task.of_run(Run(self.run)).env())


def make(run: Run, task: Task, threads: int) -> FastVecNormalize:
    """Return a run's normalised environments; they are not seeded yet.

    Args:
        run: The run.
        task: Its task.
        threads: Threads of the physics of a batch.
    """
    config = run.config.training
    environments: VecEnv
    if config.vec_env == "batched":
        environments = MimicVecEnv(task.batch(config.n_envs, threads))
    else:
        make_one = _MakeEnv(run.path)
        if config.vec_env == "subproc":
            environments = WorkerVecEnv(make_one, config.n_envs)
        else:
            environments = DummyVecEnv([make_one] * config.n_envs)
    rows = Observation(run.config.mdp.observations.active(), task.walker).rows
    names = [" of ".join(filter(None, (row.meaning, row.joint))) for row in rows]
    return FastVecNormalize(
        FiniteCheckWrapper(environments, names, task.walker.joint_names),
        gamma=config.gamma,
        clip_obs=CLIP,
        clip_reward=CLIP,
    )


def get_state(environments: VecEnv) -> dict[str, np.ndarray]:
    """Return the complete state of the environments, as arrays with one row per environment."""
    base = environments.unwrapped
    if isinstance(base, MimicVecEnv):
        return base.get_state()
    states = base.env_method("get_state")
    return {name: np.concatenate([state[name] for state in states]) for name in states[0]}


def set_state(environments: VecEnv, state: dict[str, np.ndarray]) -> None:
    """Continue from a state of `get_state`."""
    base = environments.unwrapped
    if isinstance(base, MimicVecEnv):
        base.set_state(state)
        return
    base.reset()  # opens an episode in each Monitor; the state set below replaces what it drew
    for index in range(base.num_envs):
        row = {name: values[index : index + 1] for name, values in state.items()}
        base.env_method("set_state", row, indices=index)
        # Monitor counts rewards, and adds them up, by a list that only its own reset empties.
        earlier = [float(row["monitor.rewards"][0]), *[0.0] * int(row["monitor.lengths"][0])]
        base.set_attr("rewards", earlier[: int(row["monitor.lengths"][0])], indices=index)
