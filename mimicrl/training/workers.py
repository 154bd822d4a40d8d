"""Environments in worker processes that are watched: one that dies, crashes or hangs is named, and all are reaped."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import SubprocVecEnv

from mimicrl.errors import WorkerDied

TIMEOUT_S = 60.0
_POLL_S = 1.0
_REAP_S = 5.0
_PR_SET_PDEATHSIG = 1


class WatchedSubprocVecEnv(SubprocVecEnv):
    """Stable-Baselines3's ``SubprocVecEnv``, whose parent waits for no worker in vain.

    Args:
        make: Makes an environment.
        count: Number of environments, each in a process.
        timeout_s: How long a worker may be silent when it owes an answer.
    """

    def __init__(self, make: Callable[[], gymnasium.Env], count: int, timeout_s: float = TIMEOUT_S) -> None:
        self._words = tempfile.TemporaryDirectory(prefix="mimicrl-workers-")
        files = [Path(self._words.name, f"{index}.txt") for index in range(count)]
        makers: list[Callable[[], gymnasium.Env]] = [_InWorker(make, file) for file in files]
        super().__init__(makers)
        self.remotes = tuple(
            _Watched(remote, process, index, file, timeout_s)
            for index, (remote, process, file) in enumerate(zip(self.remotes, self.processes, files, strict=True))
        )

    def close(self) -> None:
        """End all workers, also those that no longer listen."""
        if self.closed:
            return
        self.closed = True
        for remote in self.remotes:
            with contextlib.suppress(OSError, WorkerDied):
                remote.send(("close", None))
        deadline = time.monotonic() + _REAP_S
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        for remote in self.remotes:
            remote.close()
        self._words.cleanup()


class _Watched:
    """The parent's end of a worker's pipe."""

    def __init__(self, remote: Any, process: BaseProcess, index: int, words: Path, timeout_s: float) -> None:
        self._remote, self._process, self._index = remote, process, index
        self._words, self._timeout_s = words, timeout_s

    def send(self, message: Any) -> None:
        try:
            self._remote.send(message)
        except OSError as error:
            raise self._died() from error

    def recv(self) -> Any:
        deadline = time.monotonic() + self._timeout_s
        try:
            while not self._remote.poll(_POLL_S):
                if time.monotonic() > deadline:
                    raise self._hangs()
            return self._remote.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error

    def close(self) -> None:
        self._remote.close()

    def _died(self) -> WorkerDied:
        self._process.join(_REAP_S)
        code = self._process.exitcode
        how = f"exit code {code}" if code is None or code >= 0 else f"killed by {signal.Signals(-code).name}"
        return self._error("a worker process died", how)

    def _hangs(self) -> WorkerDied:
        return self._error("a worker process does not answer", f"nothing for {self._timeout_s:g} s")

    def _error(self, what: str, how: str) -> WorkerDied:
        words = self._words.read_text(errors="replace").strip() if self._words.exists() else ""
        if words:
            sys.stderr.write(f"environment {self._index}:\n{words}\n")
        last = f", {words.splitlines()[-1]}" if words else ""
        return WorkerDied(
            what,
            where=f"environment {self._index}, process {self._process.pid}",
            got=how + last,
            fix="run the same command again to continue",
        )


@dataclass(frozen=True)
class _InWorker:
    """Makes an environment in its worker, whose last words go to a file."""

    make: Callable[[], gymnasium.Env]
    words: Path

    def __call__(self) -> gymnasium.Env:
        # Ctrl-C and a scheduler's SIGTERM reach the whole group; the trainer decides when its workers end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _die_with_parent()
        sys.stderr = self.words.open("w", buffering=1)  # where multiprocessing writes a traceback to
        faulthandler.enable(sys.stderr)
        return self.make()


def _die_with_parent() -> None:
    """Have the system kill this process when its parent ends, also when it is too busy to notice."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
