"""Named places at which a test can make the process die, fail or wait, so that crashes there can be tried out.

``MIMICRL_FAULT=NAME:ACTION[:COUNT]`` acts when NAME is reached for the COUNT-th time, by default the first: ``kill``
ends the process with SIGKILL, ``raise`` raises what a full disk raises, ``stall`` waits until the file that
``MIMICRL_FAULT_GO`` names exists. Without the variable nothing happens.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

VARIABLE = "MIMICRL_FAULT"
GO = "MIMICRL_FAULT_GO"
POINTS = {
    "file.made": "a temporary file has its name and nothing in it",
    "file.written": "it is written, perhaps not on the disk",
    "file.synced": "it is on the disk under its temporary name",
    "file.renamed": "it has its name, the folder's entry perhaps not on the disk",
    "directory.made": "a temporary folder has its name and nothing in it",
    "directory.written": "its files are written, perhaps not on the disk",
    "directory.synced": "it is on the disk under its temporary name",
    "directory.aside": "the folder it replaces, if any, has been moved away",
    "directory.renamed": "it has its name, what it replaced is still there",
    "directory.trashed": "a folder that is removed has been moved away, its files are still there",
    "checkpoint.tensors": "a checkpoint's arrays are written, its counters and manifest are not",
    "checkpoint.state": "its counters are written too, its manifest is not",
    "checkpoint.saved": "it is complete, older ones are not removed yet",
    "checkpoint.pruned": "older ones are removed",
    "train.step": "a step of all environments in a rollout is done",
    "train.collected": "a rollout is complete, the update with it is next",
    "train.rollout": "a rollout boundary: the update before it is done, nothing was evaluated or saved yet",
    "train.evaluated": "an evaluation is done, its row not written",
    "train.finished": "training is done, nothing of its results is written",
    "train.policy": "the final policy is written, the outcome is not",
}
_reached: Counter[str] = Counter()


def reach(name: str) -> None:
    """Report that a place was reached.

    Args:
        name: One of `POINTS`.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    point, action, *count = wanted.split(":")
    if point not in POINTS:
        raise ValueError(f"{VARIABLE}: no such point {point!r}, known: {', '.join(POINTS)}")
    if point != name:
        return
    _reached[name] += 1
    if _reached[name] == int(count[0] if count else 1):
        _act(action, name)


def _act(action: str, name: str) -> None:
    sys.stderr.write(f"{VARIABLE}: {action} at {name}\n")
    sys.stderr.flush()
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif action == "stall":
        go = os.environ.get(GO)
        while go is None or not Path(go).exists():
            time.sleep(0.01)
    else:
        raise ValueError(f"{VARIABLE}: no such action {action!r}, known: kill, raise, stall")
