"""The second thread: both calls are done when it returns, what either raised is raised, and it ends with its owner."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

from mimicrl.training.companion import Companion

WAIT_S = 60.0


def test_two_calls_run_at_the_same_time_in_two_threads() -> None:
    meeting = threading.Barrier(2, timeout=WAIT_S)  # neither gets past it alone
    threads: list[threading.Thread] = []

    def meet() -> None:
        threads.append(threading.current_thread())
        meeting.wait()

    companion = Companion()
    for _ in range(3):
        companion.both(meet, meet)
    assert len(threads) == 6 and len(set(threads)) == 2 and threading.current_thread() in threads


def test_what_is_raised_here_waits_for_what_runs_beside() -> None:
    begun, released, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        released.wait(WAIT_S)
        done.append("beside")

    def fail() -> None:
        begun.wait(WAIT_S)
        threading.Timer(0.2, released.set).start()
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        Companion().both(fail, work)
    assert done == ["beside"]


def test_what_is_raised_beside_is_raised_and_the_next_pair_works() -> None:
    companion, done = Companion(), []

    def fail() -> None:
        raise KeyError("beside")

    with pytest.raises(KeyError, match="beside"):
        companion.both(lambda: done.append(1), fail)
    companion.both(lambda: done.append(2), lambda: done.append(3))
    assert sorted(done) == [1, 2, 3]


def test_a_pair_that_was_interrupted_leaves_nothing_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def __init__(self) -> None:
            self.put = lambda _: None

        def get(self) -> Any:
            raise KeyboardInterrupt

    companion, done = Companion(), []
    with monkeypatch.context() as patch:
        patch.setattr("mimicrl.training.companion.SimpleQueue", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            companion.both(lambda: None, lambda: done.append("first"))
    for turn in range(20):
        companion.both(lambda: None, lambda: done.append("next"))  # ends within the turn
        assert done.count("next") == turn + 1


def test_thread_and_work_end_with_their_owner() -> None:
    class Held:
        def use(self) -> None:
            self.thread = threading.current_thread()

    companion, held = Companion(), Held()
    companion.both(lambda: None, held.use)
    thread, watched = held.thread, weakref.ref(held)
    del held
    gc.collect()
    assert watched() is None, "the thread keeps its last work alive"
    del companion
    gc.collect()
    thread.join(WAIT_S)
    assert not thread.is_alive()
