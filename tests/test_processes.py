"""What processes beside a trainer have in common: signals are not theirs, and none outlives it."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys

import pytest

from mimicrl import processes

CHILD = """
import sys
print("up", flush=True)
print(sys.stdin.readline(), flush=True)
"""
# Busy in a loop of Python, with its end of a pipe given by number.
BUSY = """
import sys, threading
from multiprocessing.connection import Connection
from mimicrl import processes
threading.Thread(target=processes.end_with_trainer, args=(Connection(int(sys.argv[1])),), daemon=True).start()
print("up", flush=True)
while True:
    pass
"""


@pytest.mark.parametrize("number", processes.FOR_THE_TRAINER)
def test_what_starts_while_signals_are_held_never_sees_them(number: signal.Signals) -> None:
    with processes.signals_held():
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=-1, stdout=-1, text=True)
    assert child.stdout and child.stdout.readline() == "up\n"
    child.send_signal(number)
    assert child.communicate("well\n")[0] == "well\n\n" and child.returncode == 0


def test_the_hold_ends_for_who_held() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with processes.signals_held():
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= set(processes.FOR_THE_TRAINER)
        with processes.signals_held():
            pass
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) >= set(processes.FOR_THE_TRAINER)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_busy_process_ends_when_the_other_end_of_its_pipe_is_closed() -> None:
    ours, theirs = multiprocessing.Pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdout=-1, text=True
    )
    theirs.close()
    assert child.stdout and child.stdout.readline() == "up\n" and child.poll() is None
    ours.close()
    assert child.wait(60) == 1
    child.stdout.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [(0, "exit code 0"), (7, "exit code 7"), (-9, "killed by SIGKILL"), (None, "it closed its pipe")],
)
def test_an_ending_in_words(code: int | None, words: str) -> None:
    assert processes.ending(code) == words
