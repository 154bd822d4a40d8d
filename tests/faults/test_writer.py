"""The writer killed, or out of disk, at each of its places: what it writes is absent, old or new, and never partial."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mimicrl import artifacts, faultpoints
from mimicrl.errors import MachineError
from mimicrl.faultpoints import POINTS, VARIABLE

OLD, NEW = {"a": "old", "b": "old"}, {"b": "new", "c": "new"}
# What is there after a kill at each point: the old thing, nothing, or the new one.
AFTER = {
    "file.made": "old",
    "file.written": "old",
    "file.synced": "old",
    "file.renamed": "new",
    "directory.made": "old",
    "directory.written": "old",
    "directory.synced": "old",
    "directory.aside": "absent",
    "directory.renamed": "new",
    "directory.trashed": "absent",
}
KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, str(Path({file!r}).parent))
import test_writer
test_writer.write({name!r}, Path({target!r}))
"""


def write(name: str, target: Path) -> None:
    """Do what passes a fault point."""
    if name == "directory.trashed":
        artifacts.remove_directory(target)
    elif name.startswith("file"):
        artifacts.write_bytes(target, b"new")
    else:
        with artifacts.atomic_directory(target) as directory:
            put(directory, NEW)


def put(directory: Path, content: dict[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (directory / name).write_text(text)


def prepare(name: str, target: Path) -> None:
    """Put the old thing there."""
    if name.startswith("file"):
        target.write_text("old")
    else:
        put(target, OLD)


def found(target: Path) -> str:
    """What is there, which must be whole."""
    if not target.exists():
        return "absent"
    if target.is_file():
        return target.read_text()
    content = {file.name: file.read_text() for file in target.iterdir()}
    assert content in (OLD, NEW)
    return "old" if content == OLD else "new"


def test_every_point_of_the_writer_is_tried() -> None:
    assert AFTER.keys() == {name for name in POINTS if name.startswith(("file.", "directory."))}


@pytest.mark.fault(3)
@pytest.mark.parametrize("existed", [True, False], ids=["replaced", "first"])
@pytest.mark.parametrize("name", AFTER)
def test_a_kill(tmp_path: Path, name: str, existed: bool) -> None:
    target, neighbour = tmp_path / "target", tmp_path / "neighbour"
    neighbour.write_text("untouched")
    if existed or name == "directory.trashed":
        prepare(name, target)
    code = KILLED.format(file=__file__, name=name, target=str(target))
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {VARIABLE: f"{name}:kill"}, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    expected = AFTER[name] if existed or AFTER[name] == "new" else "absent"
    assert found(target) == expected
    others = {path for path in tmp_path.iterdir() if path not in (target, neighbour)}
    assert all(artifacts.is_leftover(path) for path in others)
    assert bool(others) == (name not in ("file.renamed", "directory.renamed") or (existed and name != "file.renamed"))
    artifacts.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"neighbour"} | ({"target"} if target.exists() else set())
    assert found(target) == expected
    if name != "directory.trashed":
        write(name, target)
        assert found(target) == "new"


@pytest.mark.fault(4)
@pytest.mark.parametrize("existed", [True, False], ids=["replaced", "first"])
@pytest.mark.parametrize("name", AFTER)
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, existed: bool) -> None:
    target = tmp_path / "target"
    if existed or name == "directory.trashed":
        prepare(name, target)
    monkeypatch.setattr(faultpoints, "_reached", Counter())
    monkeypatch.setenv(VARIABLE, f"{name}:raise")
    with pytest.raises(MachineError) as caught:
        write(name, target)
    assert str(caught.value) == (
        f"the disk is full — {target} — got {os.strerror(errno.ENOSPC)} — free some space and run again"
    )
    # An error, unlike a kill, leaves time to put back what was moved away.
    whole = "old" if name == "directory.aside" else AFTER[name]
    assert found(target) == (whole if existed or whole == "new" else "absent")
    others = [path for path in tmp_path.iterdir() if path != target]
    assert len(others) == (name == "directory.trashed")
    assert all(map(artifacts.is_leftover, others))
