"""A second thread that works beside the caller's, for pairs of calls that have nothing to do with each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Companion:
    """A thread that waits for work.

    PyTorch lets go of Python's interpreter lock inside its operations, so two chains of them run on two cores. Where
    each operation runs on one thread, as with ``torch.set_num_threads(1)``, its result has the same bits on any.
    """

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()
        # It must not keep a process alive that ends, and holds nothing that wants closing.
        threading.Thread(target=self._serve, name="companion", daemon=True).start()

    def both(self, here: Callable[[], object], beside: Callable[[], object]) -> None:
        """Call `here` in this thread and `beside` in the companion's; return when both are done.

        Raises:
            BaseException: Whatever one of them raised, `here`'s first.
        """
        self._work.put(beside)
        try:
            here()
        finally:
            error = self._done.get()
        if error is not None:
            raise error

    def _serve(self) -> None:
        while True:
            work = self._work.get()
            try:
                work()
            except BaseException as error:
                self._done.put(error)
            else:
                self._done.put(None)
