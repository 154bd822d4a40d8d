"""What jobs of the workflow print: all of it goes into their log, what a reader needs also to the terminal.

A rule's line ends with ``2>&1 | python -m mimicrl.console LOG NAME``.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

DETAIL = "· "
"""A line that begins so is for the log alone."""


def detail(text: str) -> None:
    """Print a line that only a log needs; at a terminal it is a line like any other."""
    print(text if sys.stdout.isatty() else DETAIL + text, flush=True)


def pass_on(lines: Iterable[bytes], log: BinaryIO, terminal: BinaryIO, name: str) -> None:
    """Write all lines to a log, and those that are no details to the terminal.

    Where one of them cannot be written to any more, the other one still gets its lines: the job must not fail for it.

    Args:
        lines: What a job prints, as it comes.
        log: Its log.
        terminal: What the reader sees.
        name: The run or the study, which each line on the terminal begins with.
    """
    for line in lines:
        targets = {log: line}
        if not line.startswith(DETAIL.encode()):
            targets[terminal] = f"{name}: ".encode() + line
        for target, data in targets.items():
            with contextlib.suppress(OSError):
                target.write(data)
                target.flush()


def main() -> None:
    """Pass on standard input; the arguments are the log's file and the name."""
    # The trainer says what it has saved after a Ctrl-C, or after the SIGTERM by which a cluster ends a job.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    path, name = Path(sys.argv[1]), sys.argv[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as log, open(1, "wb", buffering=0, closefd=False) as terminal:
        pass_on(sys.stdin.buffer, log, terminal, name)


if __name__ == "__main__":
    main()
