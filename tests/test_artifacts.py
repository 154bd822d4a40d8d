"""Files are absent, whole, or as they were: whatever happens while they are written."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, MachineError

Contents = dict[str, str]
OLD: Contents = {"a": "1", "b": "1"}
NEW: Contents = {"b": "2", "c": "2"}
INTERRUPTIONS = [RuntimeError("in the block"), MachineError("no OpenGL"), KeyboardInterrupt()]


def write_bytes(path: Path, contents: Contents) -> None:
    artifacts.write_bytes(path, repr(contents).encode())


def write_file(path: Path, contents: Contents) -> None:
    with artifacts.atomic_file(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == path.suffix
        temporary.write_text(repr(contents))


def write_directory(path: Path, contents: Contents) -> None:
    with artifacts.atomic_directory(path) as temporary:
        assert temporary.parent == path.parent
        for name, text in contents.items():
            (temporary / name).write_text(text)


Write = Callable[[Path, Contents], None]
WRITERS: list[Write] = [write_bytes, write_file, write_directory]
every_writer = pytest.mark.parametrize("write", WRITERS)


def read(path: Path) -> Contents:
    """Return what lies there; a file that is neither `OLD` nor `NEW` fails."""
    if path.is_dir():
        return {file.name: file.read_text() for file in path.iterdir()}
    return next(contents for contents in (OLD, NEW) if repr(contents) == path.read_text())


def raising(error: BaseException) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise error

    return call


def full(number: int = errno.ENOSPC) -> OSError:
    return OSError(number, os.strerror(number))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@every_writer
def test_what_is_written_is_there_whole_and_nothing_else(tmp_path: Path, write: Write) -> None:
    path = tmp_path / "new" / "folder" / "film.mp4"
    for contents in (OLD, NEW):
        write(path, contents)
        assert read(path) == contents
        assert names(path.parent) == ["film.mp4"]


@every_writer
def test_a_reader_sees_the_old_or_the_new_content_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write
) -> None:
    path, seen = tmp_path / "best", []

    def spy(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            if path.exists():
                seen.append(read(path))
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    write(path, OLD)
    for name in ("fsync", "replace", "rename", "unlink", "rmdir"):
        spy(name)
    write(path, NEW)
    assert OLD in seen
    assert NEW in seen
    assert all(contents in (OLD, NEW) for contents in seen)


@pytest.mark.fault(33)
@every_writer
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [full(), full(errno.EDQUOT), full(errno.EFBIG), KeyboardInterrupt()], ids=repr)
def test_what_fails_on_the_way_to_the_disk_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Write, call: str, error: BaseException
) -> None:
    path = tmp_path / "best"
    write(path, OLD)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, raising(error))
        with pytest.raises(MachineError if isinstance(error, OSError) else KeyboardInterrupt) as caught:
            write(path, NEW)
    if isinstance(error, OSError):
        told = f"the disk is full — {path} — got {error.strerror} — free some space and run again"
        assert str(caught.value) == told
    assert read(path) == OLD
    assert names(tmp_path) == ["best"]


@pytest.mark.parametrize("block", [artifacts.atomic_file, artifacts.atomic_directory])
@pytest.mark.parametrize("problem", INTERRUPTIONS, ids=repr)
def test_an_unfinished_block_leaves_the_old_content(
    tmp_path: Path, block: Callable[[Path], AbstractContextManager[Path]], problem: BaseException
) -> None:
    path = tmp_path / "film.mp4"
    artifacts.write_bytes(path, b"old")
    with pytest.raises(type(problem)) as caught, block(path):
        raise problem
    assert caught.value is problem
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["film.mp4"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MachineError, match=r"^cannot write a file — .*/file/below — got .* — check the path and its"):
        artifacts.write_bytes(tmp_path / "file" / "below", b"")
    told = pytest.raises(MachineError, match=r"^cannot write a file — .*film\.mp4 — got No such file")
    with told, artifacts.atomic_file(tmp_path / "film.mp4"):
        pass  # and writes nothing
    assert names(tmp_path) == ["file"]


def test_every_file_of_a_directory_reaches_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def spy_replace(*places: Path) -> None:
        calls.append("replace")
        replace(*places)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    with artifacts.atomic_directory(tmp_path / "best") as temporary:
        for name in ("a", "b", "c"):
            (temporary / name).write_text(name)
    assert sorted(calls[:3]) == ["fsync a", "fsync b", "fsync c"]
    assert calls[3:] == [f"fsync {temporary.name}", "replace", f"fsync {tmp_path.name}"]
    calls.clear()
    artifacts.write_bytes(tmp_path / "file", b"x")
    assert [call.split()[0] for call in calls] == ["fsync", "replace", "fsync"]


def test_json_is_read_back(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": {"°": True}}
    artifacts.write_json(tmp_path / "json", value)
    assert artifacts.read_json(tmp_path / "json") == value
    assert (tmp_path / "json").read_bytes().endswith(b"}\n")
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "json", [float("nan")])


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"a": 1', b"\xff\xfe"])
def test_missing_and_damaged_json_is_reported(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_bytes(content)
    what = "a file of the run cannot be read" if content is None else "not valid JSON"
    with pytest.raises(ArtifactError, match=rf"^{what} — .*bad\.json — got "):
        artifacts.read_json(tmp_path / "bad.json")


def test_equal_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert artifacts.write_if_changed(path, b"one")
    os.utime(path, ns=(1, 1))
    assert not artifacts.write_if_changed(path, b"one")
    assert path.stat().st_mtime_ns == 1
    assert artifacts.write_if_changed(path, b"two")
    assert path.read_bytes() == b"two"


def test_hashes_are_sha256_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    expected = hashlib.sha256(b"content").hexdigest()
    assert artifacts.sha256(b"content") == artifacts.file_sha256(tmp_path / "file") == expected


def test_a_removed_directory_is_gone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target, seen = tmp_path / "old", []
    write_directory(target, OLD)
    real = artifacts.shutil.rmtree
    monkeypatch.setattr(artifacts.shutil, "rmtree", lambda *a, **k: (seen.append(target.exists()), real(*a, **k)))
    artifacts.remove_directory(target)
    assert seen == [False]
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["film[1].mp4", "*", "?.mp4", "[!a].mp4", "plain.mp4"])
def test_sweeping_after_one_file_takes_its_name_as_it_is(tmp_path: Path, name: str) -> None:
    others = [".tmp-0123abcd-film1.mp4", ".tmp-0123abcd-x.mp4", f".tmp-0123abcd-more-{name}", f".tmp-{name}", name]
    for leftover in (f".tmp-0123abcd-{name}", f".tmp-89abcdef-{name}", *others):
        (tmp_path / leftover).touch()
    artifacts.sweep(tmp_path, name)
    assert names(tmp_path) == sorted(others)
