"""Signals: remembered once, at once the second time, and the handlers from before are put back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from mimicrl.errors import Interrupted, InterruptedByUser
from mimicrl.training import stopping
from mimicrl.training.stopping import SIGNALS, StopRequest

CODES = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGINT: 130}


def test_a_second_signal_leaves_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(stopping.os, "_exit", codes.append)
    stop = StopRequest()
    stop(signal.SIGTERM)
    assert (stop.number, codes) == (signal.SIGTERM, [])
    stop(signal.SIGINT)
    assert codes == [128 + signal.SIGINT]


@pytest.mark.parametrize("number", SIGNALS)
def test_while_the_block_runs_signals_are_its_own(number: signal.Signals) -> None:
    before, stop = [signal.getsignal(number) for number in SIGNALS], StopRequest()
    with stopping.handled_by(stop):
        os.kill(os.getpid(), number)
    assert stop.number == number
    assert [signal.getsignal(number) for number in SIGNALS] == before
    with pytest.raises(KeyError), stopping.handled_by(stop):
        raise KeyError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_in_another_thread_the_program_that_called_decides() -> None:
    before, seen = [signal.getsignal(number) for number in SIGNALS], []

    def work() -> None:
        with stopping.handled_by(StopRequest()):
            seen.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == before


@pytest.mark.parametrize("number", SIGNALS)
def test_before_the_training_a_signal_leaves_at_once_with_the_same_words_and_codes(number: signal.Signals) -> None:
    code = f"""
import os
from mimicrl.training import stopping
with stopping.handled_by(stopping.leave_at_once):
    try:
        os.kill(os.getpid(), {int(number)})
    except BaseException:
        pass  # as a library may do whose import fails
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == CODES[number]
    assert done.stderr == (
        f"mimicrl train: stopped by {number.name} — outside of the training — run the same command again to continue\n"
    )


@pytest.mark.parametrize("number", SIGNALS)
def test_the_error_tells_signal_place_and_what_to_do(number: signal.Signals) -> None:
    error = stopping.interruption(number, "after 5 samples")
    assert str(error) == f"stopped by {number.name} — after 5 samples — run the same command again to continue"
    assert type(error) is (InterruptedByUser if number == signal.SIGINT else Interrupted)
    assert error.exit_code == CODES[number]
