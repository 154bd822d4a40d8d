"""Signals that ask a trainer to stop: at once before it has begun, then at the next rollout boundary.

It imports nothing slow, as it must be at work while PyTorch is imported.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from mimicrl.errors import Interrupted, InterruptedByUser

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def interruption(number: int, where: str) -> Interrupted:
    """Return the error that a signal ends a training with.

    Args:
        number: The signal.
        where: How far training was.
    """
    kind = InterruptedByUser if number == signal.SIGINT else Interrupted
    name = signal.Signals(number).name
    return kind(f"stopped by {name}", where=where, fix="run the same command again to continue")


class StopRequest:
    """A handler that remembers the signal; a second one leaves at once.

    Attributes:
        number: The signal that came, None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self, number: int, _frame: object = None) -> None:
        """Handle a signal."""
        if self.number is not None:
            os._exit(128 + number)
        self.number = number


def leave_at_once(number: int, _frame: object = None) -> None:
    """Handle a signal while there is nothing to lose: end the process, with words and code as at a boundary."""
    error = interruption(number, "outside of the training")
    # No exception, which whatever is being imported might take for a failure of its own.
    os.write(2, f"mimicrl train: {error}\n".encode())
    os._exit(error.exit_code)


@contextlib.contextmanager
def handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Have a handler take the signals while the block runs."""
    # Python allows handlers in the main thread only; elsewhere the program that called decides.
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, handler) for number in (SIGNALS if main else ())}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
