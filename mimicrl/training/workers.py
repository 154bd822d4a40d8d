"""Stable-Baselines3's environments in processes: one that dies is named, and none is left behind."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import connection, resource_tracker
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import SubprocVecEnv

from mimicrl.errors import WorkerDied

# Ctrl-C and a scheduler's signals reach the whole group; the trainer decides when its workers end.
_FOR_THE_TRAINER = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
_REAP_S = 5.0


def _names_the_dead(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: WorkerVecEnv, *words: Any, **named: Any) -> Any:
        with self._naming_the_dead():
            return method(self, *words, **named)

    return call


class WorkerVecEnv(SubprocVecEnv):
    """Stable-Baselines3's ``SubprocVecEnv``, which tells of a worker that died and leaves signals to the trainer.

    A worker that hangs is waited for.

    Args:
        make: Makes an environment.
        count: Number of environments, each in a process.

    Raises:
        WorkerDied: A worker did not come up.
    """

    def __init__(self, make: Callable[[], gymnasium.Env], count: int) -> None:
        self.processes, self.remotes = [], ()
        # The server that forks the workers imports once what each of them would take seconds for.
        multiprocessing.get_context("forkserver").set_forkserver_preload(["mimicrl.training.vec_envs"])
        with _signals_held():
            resource_tracker.ensure_running()  # would end the hold of two of them when the server starts it
            with _signals_held(), self._naming_the_dead():
                super().__init__([functools.partial(_make, make)] * count, start_method="forkserver")

    step_async = _names_the_dead(SubprocVecEnv.step_async)
    step_wait = _names_the_dead(SubprocVecEnv.step_wait)
    reset = _names_the_dead(SubprocVecEnv.reset)
    env_method = _names_the_dead(SubprocVecEnv.env_method)
    env_is_wrapped = _names_the_dead(SubprocVecEnv.env_is_wrapped)
    get_attr = _names_the_dead(SubprocVecEnv.get_attr)
    set_attr = _names_the_dead(SubprocVecEnv.set_attr)
    has_attr = _names_the_dead(SubprocVecEnv.has_attr)

    def close(self) -> None:
        """End all workers, also those that no longer listen; they hold nothing."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.join()
        for remote in self.remotes:
            remote.close()
        self.closed = True

    @contextlib.contextmanager
    def _naming_the_dead(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:  # of a pipe whose other end is gone
            connection.wait([process.sentinel for process in self.processes], _REAP_S)
            dead = [index for index, process in enumerate(self.processes) if process.exitcode is not None]
            self.close()
            if not dead:
                raise
            process = self.processes[dead[0]]
            raise WorkerDied(
                "a worker process died",
                where=f"environment {dead[0]}, process {process.pid}",
                got=_ending(process.exitcode),
                fix="run the same command again to continue",
            ) from error


def _make(make: Callable[[], gymnasium.Env]) -> gymnasium.Env:
    """Make an environment in its worker."""
    for number in _FOR_THE_TRAINER:  # the server that forked it may be older than the hold
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_trainer, daemon=True).start()
    return make()


def _end_with_trainer() -> None:
    """End this process when the trainer has ended, also while it is busy."""
    trainer = multiprocessing.parent_process()
    if trainer:
        trainer.join()
        os._exit(1)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold the trainer's signals back, which a process that is started meanwhile then does for ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_THE_TRAINER)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
