"""Processes that a test has started, and their children."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return the first value that is something; a minute is for ever."""
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
    return value


def group(leader: int) -> dict[int, int]:
    """The living processes of a group, each with its parent."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, number = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(number) == leader and state != "Z":
            found[int(folder.name)] = int(parent)
    return found
