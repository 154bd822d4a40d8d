"""Processes that work for a trainer: they leave signals to it and end when it does. Imports nothing slow."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection

# Ctrl-C and a scheduler's signals reach the whole group; the trainer decides when its workers end.
FOR_THE_TRAINER = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold the trainer's signals back, which a process that is started meanwhile then does for ever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_THE_TRAINER)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_trainer(connection: Connection) -> None:
    """Wait until the trainer's end of a pipe is closed, then end this process, also while it is busy.

    Args:
        connection: This process's end of the pipe.
    """
    poll = select.poll()
    poll.register(connection, 0)  # nothing but the end
    poll.poll()
    os._exit(1)


def ending(code: int | None) -> str:
    """Return how a process ended that no longer answers, in words.

    Args:
        code: Its exit code, negative after a signal; None where it runs on.
    """
    if code is None:
        return "it closed its pipe"
    return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
