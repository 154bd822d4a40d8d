"""What a job prints: all of it in its log, lines for the reader on the terminal, behind a name."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from mimicrl import console

PRINTED = b"begins\n" + f"{console.DETAIL}a number\n".encode() + b"Traceback:\n  File x\n"
SHOWN = b"walk/seed_1: begins\nwalk/seed_1: Traceback:\nwalk/seed_1:   File x\n"


def test_the_log_gets_all_lines_and_the_terminal_those_for_the_reader(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "train.log"
    command = [sys.executable, "-m", "mimicrl.console", str(log), "walk/seed_1"]
    done = subprocess.run(command, input=PRINTED, capture_output=True, check=True)
    assert log.read_bytes() == PRINTED
    assert done.stdout == SHOWN


def test_where_the_terminal_is_gone_the_log_still_gets_its_lines() -> None:
    class Gone(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError

    log = io.BytesIO()
    console.pass_on([b"one\n", b"two\n"], log, Gone(), "walk/seed_1")
    assert log.getvalue() == b"one\ntwo\n"
