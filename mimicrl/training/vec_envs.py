"""The environments of a run: one batch, or Stable-Baselines3's classic vector environments."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from functools import partial
from multiprocessing import connection
from pathlib import Path

import gymnasium
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv

from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.envs.task import Task
from mimicrl.errors import WorkerDied
from mimicrl.learning.finite_check import FiniteCheckWrapper
from mimicrl.learning.normalizer import FastVecNormalize
from mimicrl.mdp.observations import Observation
from mimicrl.runs import Run
from mimicrl.training.stopping import SIGNALS

CLIP = 10.0
# How long a worker whose pipe is broken may take to end.
_END_SECONDS = 5.0


def _make_one(run: Path) -> gymnasium.Env:
    # Monitor would add nothing to the episode's end but its own clock; it is part of the classic stack.
    return Monitor(Task.of_run(Run(run)).env())


def _make_in_worker(run: Path) -> gymnasium.Env:
    # Ctrl-C and a scheduler's signals reach the whole group; the trainer decides when its workers end.
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    return _make_one(run)


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
    elif config.vec_env == "dummy":
        environments = DummyVecEnv([partial(_make_one, run.path)] * config.n_envs)
    else:
        # The server that forks the workers imports once what would take each of them seconds.
        multiprocessing.get_context("forkserver").set_forkserver_preload(["mimicrl.training.vec_envs"])
        environments = SubprocVecEnv([partial(_make_in_worker, run.path)] * config.n_envs, start_method="forkserver")
    rows = Observation(run.config.mdp.observations.active(), task.walker).rows
    names = [" of ".join(filter(None, (row.meaning, row.joint))) for row in rows]
    return FastVecNormalize(
        FiniteCheckWrapper(environments, names, task.walker.joint_names),
        gamma=config.gamma,
        clip_obs=CLIP,
        clip_reward=CLIP,
    )


def close(environments: VecEnv) -> None:
    """Close environments. Workers hold nothing, so they are killed, also those that no longer listen."""
    base = environments.unwrapped
    if not isinstance(base, SubprocVecEnv):
        environments.close()
        return
    for process in base.processes:
        process.kill()
        process.join()
    for remote in base.remotes:
        remote.close()
    base.closed = True


@contextlib.contextmanager
def naming_dead_workers(environments: VecEnv | None = None) -> Iterator[None]:
    """Say which worker died when its pipe breaks while the block runs.

    Args:
        environments: The environments; None while they are made.

    Raises:
        WorkerDied: The pipe to a worker is broken.
    """
    try:
        yield
    except (EOFError, ConnectionError) as error:
        processes = getattr(environments.unwrapped, "processes", []) if environments else []
        connection.wait([process.sentinel for process in processes], _END_SECONDS)
        where, got = "training.vec_env subproc", ""
        for index, process in enumerate(processes):
            if process.exitcode is not None:
                where, got = f"environment {index}, process {process.pid}", _ending(process.exitcode)
                break
        raise WorkerDied(
            "a worker process died", where=where, got=got, fix="run the same command again to continue"
        ) from error


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"


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
