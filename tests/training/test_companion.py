"""The second thread: both calls are done when it returns, and what either raised is raised."""

from __future__ import annotations

import threading

import pytest

from mimicrl.training.companion import Companion


def test_two_calls_run_at_the_same_time_in_two_threads() -> None:
    meeting = threading.Barrier(2, timeout=60)  # neither gets past it alone
    threads: list[threading.Thread] = []

    def meet() -> None:
        threads.append(threading.current_thread())
        meeting.wait()

    companion = Companion()
    for _ in range(3):
        companion.both(meet, meet)
    assert len(threads) == 6 and len(set(threads)) == 2 and threading.current_thread() in threads


@pytest.mark.parametrize("who", ["here", "beside"])
def test_what_one_raises_is_raised_when_both_are_done_and_the_next_pair_works(who: str) -> None:
    companion, done = Companion(), []

    def fail() -> None:
        raise KeyError(who)

    def work() -> None:
        done.append(who)

    with pytest.raises(KeyError, match=who):
        companion.both(*((fail, work) if who == "here" else (work, fail)))
    assert done == [who]
    companion.both(work, work)
    assert done == [who] * 3
