"""Files are absent, whole, or as they were: whatever happens while they are written."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from mimicrl import artifacts
from mimicrl.errors import ArtifactError, MachineError

FAILING_CALLS = ["fsync", "replace"]


def fail(number: int):
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_what_is_written_is_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.bin"
    artifacts.write_bytes(path, b"\x00content")
    assert path.read_bytes() == b"\x00content"
    assert names(path.parent) == ["file.bin"]


@pytest.mark.parametrize("call", FAILING_CALLS)
def test_a_full_disk_leaves_the_old_content_and_no_leftovers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "file"
    artifacts.write_bytes(path, b"old")
    monkeypatch.setattr(os, call, fail(errno.ENOSPC))
    with pytest.raises(MachineError) as caught:
        artifacts.write_bytes(path, b"new")
    assert str(caught.value) == (
        f"the disk is full — {path} — got No space left on device — free some space and run again"
    )
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_kill_between_two_instructions_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "file"
    artifacts.write_bytes(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        artifacts.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_content_reaches_the_disk_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (calls.append(name), real(*a))[1])
    artifacts.write_bytes(tmp_path / "file", b"x")
    assert calls == ["fsync", "replace", "fsync"]


@pytest.mark.fault(33)
@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG])
def test_a_quota_counts_as_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "replace", fail(number))
    with pytest.raises(MachineError, match=r"^the disk is full"):
        artifacts.write_text(tmp_path / "file", "x")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MachineError) as caught:
        artifacts.write_bytes(tmp_path / "file" / "below", b"")
    assert str(caught.value).startswith(f"cannot write a file — {tmp_path / 'file' / 'below'} — got ")
    assert caught.value.fix == "check the path and its permissions"


def test_a_file_can_be_written_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "new" / "film.mp4"
    for content in (b"one", b"other"):
        with artifacts.atomic_file(path) as temporary:
            assert temporary.parent == path.parent and temporary.suffix == ".mp4"
            assert not temporary.exists() and artifacts.is_leftover(temporary)
            with temporary.open("wb") as file:
                file.write(content[:2])
                assert not path.exists() or path.read_bytes() == b"one"
                file.write(content[2:])
        assert path.read_bytes() == content
        assert names(path.parent) == ["film.mp4"]


@pytest.mark.parametrize(
    "problem", [RuntimeError("in the block"), MachineError("no OpenGL"), KeyboardInterrupt()], ids=repr
)
def test_an_unfinished_file_leaves_the_old_one(tmp_path: Path, problem: BaseException) -> None:
    path = tmp_path / "film.mp4"
    artifacts.write_bytes(path, b"old")
    with pytest.raises(type(problem)) as caught, artifacts.atomic_file(path) as temporary:
        temporary.write_bytes(b"half")
        raise problem
    assert caught.value is problem
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["film.mp4"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG])
def test_a_disk_that_fills_up_while_a_file_is_written_leaves_the_old_one(tmp_path: Path, number: int) -> None:
    path = tmp_path / "film.mp4"
    artifacts.write_bytes(path, b"old")
    told = pytest.raises(MachineError, match=r"^the disk is full — .*film\.mp4 — got ")
    with told, artifacts.atomic_file(path) as temporary:
        temporary.write_bytes(b"half")
        fail(number)()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["film.mp4"]


def test_a_file_that_was_never_written_is_an_error(tmp_path: Path) -> None:
    told = pytest.raises(MachineError, match=r"^cannot write a file — .*film\.mp4 — got No such file")
    with told, artifacts.atomic_file(tmp_path / "film.mp4"):
        pass
    assert names(tmp_path) == []


def test_text_is_utf8_and_json_is_read_back(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "text", "38° — knee\n")
    assert (tmp_path / "text").read_bytes() == "38° — knee\n".encode()
    value = {"b": [1, 2.5, None], "a": {"°": True}}
    artifacts.write_json(tmp_path / "json", value)
    assert artifacts.read_json(tmp_path / "json") == value
    assert (tmp_path / "json").read_bytes().endswith(b"}\n")


def test_json_never_holds_a_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.write_json(tmp_path / "json", [float("nan")])
    assert names(tmp_path) == []


def test_missing_json_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        artifacts.read_json(tmp_path / "gone.json")
    assert str(caught.value) == (
        f"a file of the run cannot be read — {tmp_path / 'gone.json'} — got No such file or directory"
    )


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe"])
def test_damaged_json_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"^not valid JSON — .*bad\.json — got "):
        artifacts.read_json(tmp_path / "bad.json")


def test_equal_content_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert artifacts.write_if_changed(path, b"one")
    os.utime(path, ns=(1, 1))
    assert not artifacts.write_if_changed(path, b"one")
    assert path.stat().st_mtime_ns == 1
    assert artifacts.write_if_changed(path, b"two")
    assert path.stat().st_mtime_ns > 1
    assert path.read_bytes() == b"two"


def test_hashes_are_sha256_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    expected = hashlib.sha256(b"content").hexdigest()
    assert artifacts.sha256(b"content") == artifacts.file_sha256(tmp_path / "file") == expected


def test_equal_values_have_equal_json() -> None:
    one = artifacts.canonical_json({"b": [1, (2, 3)], "a": None})
    assert one == artifacts.canonical_json({"a": None, "b": (1, [2, 3])}) == '{"a":null,"b":[1,[2,3]]}'
    assert one != artifacts.canonical_json({"a": None, "b": [1, [3, 2]]})
    with pytest.raises(ValueError, match="not JSON compliant"):
        artifacts.canonical_json(float("inf"))


def test_a_directory_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "best"
    for contents in ({"a": "1", "b": "1"}, {"b": "2"}):
        with artifacts.atomic_directory(target) as directory:
            assert directory.parent == target.parent
            for name, text in contents.items():
                (directory / name).write_text(text)
        assert {path.name: path.read_text() for path in target.iterdir()} == contents
        assert names(tmp_path) == ["best"]


def test_a_directory_is_only_ever_seen_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "best"
    seen = []

    def spy(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            if target.exists():
                seen.append({path.name: path.read_text() for path in target.iterdir()})
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)

    old, new = {"a": "1", "b": "1"}, {"b": "2", "c": "2"}
    for contents in (old, new):
        with artifacts.atomic_directory(target) as directory:
            for name, text in contents.items():
                (directory / name).write_text(text)
        if contents is old:
            for name in ("fsync", "replace", "rename", "unlink", "rmdir"):
                spy(name)
    assert old in seen
    assert new in seen
    assert all(content in (old, new) for content in seen)


@pytest.mark.parametrize("problem", [RuntimeError("in the block"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_unfinished_directory_leaves_the_old_one(tmp_path: Path, problem: BaseException) -> None:
    target = tmp_path / "best"
    with artifacts.atomic_directory(target) as directory:
        (directory / "a").write_text("old")
    with pytest.raises(type(problem)), artifacts.atomic_directory(target) as directory:
        (directory / "a").write_text("new")
        raise problem
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["best"]


def test_a_full_disk_leaves_the_old_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "best"
    with artifacts.atomic_directory(target) as directory:
        (directory / "a").write_text("old")
    monkeypatch.setattr(os, "fsync", fail(errno.ENOSPC))
    told = pytest.raises(MachineError, match=r"^the disk is full — .*best — got No space left on device")
    with told, artifacts.atomic_directory(target) as directory:
        (directory / "a").write_text("new")
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["best"]


def test_every_file_of_a_directory_reaches_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def spy_fsync(handle: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{handle}').readlink().name.removeprefix(temporary.name)}")
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
    assert calls[3:] == ["fsync ", "replace", f"fsync {tmp_path.name}"]


def test_a_removed_directory_is_gone_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "old"
    target.mkdir()
    (target / "a").touch()
    seen = []
    real = artifacts.shutil.rmtree
    monkeypatch.setattr(artifacts.shutil, "rmtree", lambda *a, **k: (seen.append(target.exists()), real(*a, **k)))
    artifacts.remove_directory(target)
    assert seen == [False]
    assert names(tmp_path) == []


def test_a_directory_that_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"^cannot write a file — .*gone — got No such file"):
        artifacts.remove_directory(tmp_path / "gone")


def test_sweeping_removes_what_a_killed_write_left_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts.write_bytes(tmp_path / "file", b"kept")
    # A killed process runs no clean-up: keep the temporary names as it would leave them.
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail(errno.EIO))
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        patch.setattr(artifacts.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(MachineError):
            artifacts.write_bytes(tmp_path / "file", b"half")
        with pytest.raises(MachineError), artifacts.atomic_directory(tmp_path / "folder") as directory:
            (directory / "a").write_text("half")
    assert len(names(tmp_path)) == 3
    artifacts.sweep(tmp_path)
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["film[1].mp4", "*", "?.mp4", "[!a].mp4", "plain.mp4"])
def test_sweeping_after_one_file_takes_its_name_as_it_is(tmp_path: Path, name: str) -> None:
    others = [".tmp-0123abcd-film1.mp4", ".tmp-0123abcd-x.mp4", f".tmp-0123abcd-more-{name}", f".tmp-{name}", name]
    for leftover in (f".tmp-0123abcd-{name}", f".tmp-89abcdef-{name}", *others):
        (tmp_path / leftover).touch()
    artifacts.sweep(tmp_path, name)
    assert names(tmp_path) == sorted(others)
