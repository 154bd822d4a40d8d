"""Environments in worker processes that are watched: one that dies, crashes or hangs is named, and all are reaped."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv
from stable_baselines3.common.vec_env.base_vec_env import CloudpickleWrapper
from stable_baselines3.common.vec_env.subproc_vec_env import _worker

from mimicrl import processes
from mimicrl.errors import WorkerDied

TIMEOUT_S = 60.0
# A worker's first answer waits for its imports, from a slow disk and with all its siblings at once.
_START_FACTOR = 5.0
_POLL_S = 1.0
_REAP_S = 5.0


class WatchedSubprocVecEnv(SubprocVecEnv):
    """Stable-Baselines3's ``SubprocVecEnv``, whose parent waits for no worker in vain.

    Args:
        make: Makes an environment.
        count: Number of environments, each in a process.
        timeout_s: How long a worker may be silent when it owes an answer; five times as long at its start.

    Raises:
        WorkerDied: A worker did not come up.
    """

    def __init__(self, make: Callable[[], gymnasium.Env], count: int, timeout_s: float = TIMEOUT_S) -> None:
        self.waiting, self.closed = False, False
        self._words = tempfile.TemporaryDirectory(prefix="mimicrl-workers-")
        files = [Path(self._words.name, f"{index}.txt") for index in range(count)]
        # The server that forks the workers would die of a signal to the whole group, and all workers with it.
        with processes.signals_held():
            resource_tracker.ensure_running()  # would end the hold of two of them when the server starts it
            with processes.signals_held():
                # As in SubprocVecEnv, which would wait for its first answers without an end.
                started = [_start(_InWorker(make, file)) for file in files]
        self.processes = [process for process, _ in started]
        self.remotes: tuple[Any, ...] = tuple(
            _Watched(remote, process, index, file, timeout_s)
            for index, ((process, remote), file) in enumerate(zip(started, files, strict=True))
        )
        try:
            self.remotes[0].send(("get_spaces", None))
            VecEnv.__init__(self, count, *self.remotes[0].recv())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End all workers, also those that no longer listen."""
        if self.closed:
            return
        self.closed = True
        for remote in self.remotes:
            remote.ask_to_end()
        deadline = time.monotonic() + _REAP_S
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        for remote in self.remotes:
            remote.close()
        self._words.cleanup()


def _start(make: _InWorker) -> tuple[BaseProcess, Any]:
    """Start a worker; return its process and the parent's end of its pipe."""
    context = multiprocessing.get_context("forkserver")
    # The server that forks the workers imports once what each of them would take seconds for.
    context.set_forkserver_preload(["mimicrl.training.vec_envs"])
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, ours, CloudpickleWrapper(make)), daemon=True)
    process.start()
    theirs.close()
    return process, ours


class _Watched:
    """The parent's end of a worker's pipe."""

    def __init__(self, remote: Any, process: BaseProcess, index: int, words: Path, timeout_s: float) -> None:
        self._remote, self._process, self._index = remote, process, index
        self._words, self._timeout_s = words, timeout_s
        self._patience_s = _START_FACTOR * timeout_s

    def send(self, message: Any) -> None:
        try:
            self._remote.send(message)
        except OSError as error:
            raise self._died() from error

    def recv(self) -> Any:
        deadline = time.monotonic() + self._patience_s
        try:
            while not self._remote.poll(_POLL_S):
                if time.monotonic() > deadline:
                    raise self._hangs()
            answer = self._remote.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        self._patience_s = self._timeout_s
        return answer

    def ask_to_end(self) -> None:
        with contextlib.suppress(OSError):
            self._remote.send(("close", None))

    def close(self) -> None:
        self._remote.close()

    def _died(self) -> WorkerDied:
        self._process.join(_REAP_S)
        return self._error("a worker process died", processes.ending(self._process.exitcode))

    def _hangs(self) -> WorkerDied:
        return self._error("a worker process does not answer", f"nothing for {self._patience_s:g} s")

    def _error(self, what: str, how: str) -> WorkerDied:
        words = self._words.read_text(errors="replace").strip() if self._words.exists() else ""
        if words:
            sys.stderr.write(f"environment {self._index}:\n{words}\n")
        lines = words.splitlines()
        # Python ends the traceback of a crash, unlike that of an exception, with what was imported.
        last = next((line for line in lines if line.startswith("Fatal Python error")), lines[-1] if lines else "")
        return WorkerDied(
            what,
            where=f"environment {self._index}, process {self._process.pid}",
            got=", ".join(filter(None, (how, last))),
            fix="run the same command again to continue",
        )


@dataclass(frozen=True)
class _InWorker:
    """Makes an environment in its worker, whose last words go to a file."""

    make: Callable[[], gymnasium.Env]
    words: Path

    def __call__(self) -> gymnasium.Env:
        for number in processes.FOR_THE_TRAINER:
            signal.signal(number, signal.SIG_IGN)
        sys.stderr = self.words.open("w", buffering=1)  # where multiprocessing writes a traceback to
        faulthandler.enable(sys.stderr)
        return self.make()


def _work(remote: Any, trainers_end: Any, make: CloudpickleWrapper) -> None:
    """Be a worker."""
    # It is no child of the trainer's, and the server that forked it stays as long as any of its children does.
    threading.Thread(target=processes.end_with_trainer, args=(remote,), daemon=True).start()
    _worker(remote, trainers_end, make)
