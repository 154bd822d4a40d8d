"""TensorBoard's files go on where the checkpoint was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from event_files import tensorboard_steps
from stable_baselines3.common.logger import Logger

from mimicrl.errors import MachineError
from mimicrl.training.reporting.tensorboard import TensorBoardWriter


def full(*_: object, **__: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def log(writer: TensorBoardWriter, *steps: int) -> None:
    logger = Logger(None, [writer])
    for step in steps:
        logger.record("loss", step / 7)
        logger.record("reward/pose", 1.0)
        logger.dump(step)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "killed"])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 3), (2, 5), (4, 4), (0, 6)])
def test_tensorboard_goes_on_where_the_checkpoint_was_again_and_again(
    tmp_path: Path, first: int, second: int, closed: bool
) -> None:
    """`first` and `second` are what the checkpoints knew, of the six steps that were to be logged."""
    lengths: dict[str, int] = {}
    for begin, known in ((0, first), (first, second), (second, 6)):
        writer = TensorBoardWriter(tmp_path / "tb", lengths)
        log(writer, *range(begin, known))
        lengths = writer.lengths()
        if known < 6:
            log(writer, *range(known, 6))  # all this is taken again
            writer.writer.flush()
        if closed:
            writer.close()
    assert tensorboard_steps(tmp_path / "tb") == {tag: list(range(6)) for tag in ("loss", "reward/pose")}


@pytest.mark.fault(5)
def test_tensorboard_cuts_a_torn_record_off(tmp_path: Path) -> None:
    writer = TensorBoardWriter(tmp_path, {})
    log(writer, 0, 1)
    lengths = writer.lengths()
    log(writer, 2)
    writer.close()
    file = next(tmp_path.iterdir())
    os.truncate(file, file.stat().st_size - 3)
    writer = TensorBoardWriter(tmp_path, lengths)
    log(writer, 2, 3)
    writer.close()
    assert tensorboard_steps(tmp_path)["loss"] == [0, 1, 2, 3]


def test_tensorboard_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "events.out.tfevents.1.other").write_bytes(b"from a training that was started anew")
    writer = TensorBoardWriter(tmp_path, {})
    assert len(writer.lengths()) == 1
    writer.close()
    assert (tmp_path / "notes.txt").read_text() == "mine" and (tmp_path / "plugins").exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_disk_without_room_for_tensorboard_is_named(tmp_path: Path, monkeypatch) -> None:
    writer = TensorBoardWriter(tmp_path, {})
    monkeypatch.setattr(writer.writer, "flush", full)
    for work in (lambda: log(writer, 1), writer.lengths):
        with pytest.raises(MachineError, match=rf"^the disk is full — {tmp_path} — got No space left on device — "):
            work()
    writer.close()
