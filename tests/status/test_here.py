"""Who holds a lock, as the system tells it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mimicrl.status.here import Here, look

HOLDER = """
import fcntl, sys, time
lock = open(sys.argv[1], "a+")
fcntl.flock(lock, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    (tmp_path / "lock").touch()
    return tmp_path / "lock"


@pytest.fixture
def gone() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def locks(text: str, tmp_path: Path) -> Here:
    (tmp_path / "locks").write_text(text)
    return look(tmp_path / "locks")


def test_a_lock_is_seen_while_it_is_held(lock: Path) -> None:
    assert not look().holds(lock, None)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert look().holds(lock, None)
        assert not look().holds(lock.with_name("another"), None)
    assert not look().holds(lock, os.getpid())


def test_the_lock_of_a_killed_process_is_gone(lock: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"held\n"
    assert look().holds(lock, None)
    process.kill()
    process.wait()
    assert not look().holds(lock, process.pid)


def test_every_kind_of_lock_is_read(lock: Path, tmp_path: Path) -> None:
    status = lock.stat()
    name = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in (
        f"1: FLOCK  ADVISORY  WRITE 77 {name} 0 EOF",
        f"12: POSIX  ADVISORY  WRITE 77 {name} 0 EOF",
        f"3: OFDLCK ADVISORY  READ -1 {name} 128 128",
    ):
        assert locks(f"{line}\n", tmp_path).holds(lock, None), line
        assert not locks(line.replace(name, name + "0"), tmp_path).holds(lock, None)
        assert not locks(line.replace(name, "f" + name), tmp_path).holds(lock, None), "of another device"


def test_on_another_device_the_process_tells(lock: Path, tmp_path: Path) -> None:
    here = locks(f"1: FLOCK  ADVISORY  WRITE 77 fff:ff:{lock.stat().st_ino} 0 EOF\n", tmp_path)
    assert here.holds(lock, 77)
    assert not here.holds(lock, 78) and not here.holds(lock, None)


def test_where_no_locks_are_told_the_process_counts(lock: Path, tmp_path: Path, gone: int) -> None:
    here = look(tmp_path / "none")
    assert here.locks is None
    assert here.holds(lock, os.getpid())
    assert here.holds(lock, 1), "though it may be someone else's"
    assert not any(here.holds(lock, process) for process in (gone, None, "7", 10**30))


def test_here_is_this_host_now() -> None:
    before = datetime.now(UTC)
    here = look()
    assert here.host == os.uname().nodename and before <= here.now <= datetime.now(UTC)
