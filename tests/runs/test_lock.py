"""Who may train in a run: one process at a time, until it ends, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mimicrl.errors import MachineError, RunLocked
from mimicrl.runs import Run, lock


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Run(tmp_path).lock_file


def test_who_comes_second_is_told_who_the_first_is(file: Path) -> None:
    owner = rf"got mimicrl init on host \S+, process {os.getpid()}, since \S+ — wait for it or stop it$"
    told = rf"^another process works in this run — {file.parent} — {owner}"
    with lock.hold(file, "mimicrl init"), pytest.raises(RunLocked, match=told), lock.hold(file, "mimicrl train"):
        pass
    with lock.hold(file, "mimicrl train"):
        pass


def test_the_lock_ends_with_an_error(file: Path) -> None:
    with pytest.raises(KeyError), lock.hold(file, "mimicrl train"):
        raise KeyError
    with lock.hold(file, "mimicrl train"):
        pass


@pytest.mark.fault(31)
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO, errno.EINTR])
def test_a_lock_that_the_system_cannot_give_is_no_other_trainer(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(lock.fcntl, "flock", flock)
    told = f"the lock of a run cannot be taken — {file} — got {os.strerror(number)} — put the results on a file system"
    with pytest.raises(MachineError, match=f"^{told}"), lock.hold(file, "mimicrl train"):
        pass


def test_a_lock_that_cannot_be_written_is_told(file: Path) -> None:
    file.mkdir()
    told = rf"^cannot write a file — {file} — got Is a directory"
    with pytest.raises(MachineError, match=told), lock.hold(file, "mimicrl train"):
        pass


def test_a_trainer_of_another_configuration_counts_as_live(prepare, tmp_path: Path) -> None:
    run = prepare(tmp_path / "run")
    with lock.hold(run.lock_file, "mimicrl train"):
        with pytest.raises(RunLocked):
            prepare(run.path, training={"n_epochs": 3})
        assert Run(run.path).fingerprint == run.fingerprint, "nothing was rewritten under the trainer"
