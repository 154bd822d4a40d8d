"""A second thread that works beside the caller's, for pairs of calls that have nothing to do with each other."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

import torch

_Answer = SimpleQueue[BaseException | None]
_Job = tuple[Callable[[], object], _Answer]


class Companion:
    """A thread that waits for work, and ends with this object.

    PyTorch lets go of Python's interpreter lock inside its operations, so two chains of them run on two cores. Where
    each operation runs on one thread, as with ``torch.set_num_threads(1)``, its result has the same bits on any.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[_Job | None] = SimpleQueue()
        threading.Thread(target=_serve, args=(self._work,), name="companion", daemon=True).start()
        weakref.finalize(self, self._work.put, None)

    def both(self, here: Callable[[], object], beside: Callable[[], object]) -> None:
        """Call `here` in this thread and `beside` in the companion's; return when both are done.

        Raises:
            BaseException: Whatever one of them raised, `here`'s first.
        """
        answer: _Answer = SimpleQueue()  # of this pair alone: one that was interrupted leaves nothing to the next
        self._work.put((beside, answer))
        try:
            here()
        finally:
            error = answer.get()
        if error is not None:
            raise error


def _serve(work: SimpleQueue[_Job | None]) -> None:
    """Work until there is None; holds nothing while it waits."""
    torch.get_num_threads()  # applies the process's number of threads to this one
    while (job := work.get()) is not None:
        answer = job[1]
        error = _error_of(job[0])
        del job
        answer.put(error)
        del answer, error


def _error_of(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except BaseException as error:
        return error
    return None
