"""The doctor tries what it reports: pictures are drawn, a video and a file written."""

from __future__ import annotations

import errno
import os
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from mimicrl import machine
from mimicrl.errors import MachineError
from mimicrl.rendering import encode, opengl
from mimicrl.runs.records import Doctor, ImageRecord, LockAgreement
from mimicrl.stages import doctor

NAMES = ["processor", "cards", "memory", "versions", "lock", "container", "Slurm", "results", "OpenGL", "ffmpeg"]


def refuse(*_: Any) -> Any:
    raise MachineError("cannot be done", got="no way", fix="install it")


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OSMesa works and there is an ffmpeg."""
    monkeypatch.setattr(opengl, "choose", lambda: opengl.OpenGL("osmesa", "softpipe"))
    monkeypatch.setattr(encode, "check_ffmpeg", lambda: "7.0.2")
    monkeypatch.chdir(tmp_path)


def lines(found: Doctor, **options: Any) -> dict[str, str]:
    """The lines by their names, in order."""
    told = doctor.describe(found, **options)
    assert [line[:11].rstrip() for line in told] == NAMES
    return {line[:11].rstrip(): line[11:] for line in told}


def test_what_is_found_is_what_was_tried(tmp_path: Path) -> None:
    found, problems = doctor.examine()
    assert problems == []
    assert found.versions == machine.versions()
    assert found.opengl == {"backend": "osmesa", "renderer": "softpipe"}
    assert found.results == str(tmp_path / "results")
    told = lines(found)
    assert told["processor"].startswith(f"{machine.cpu()['model']}, {machine.usable_cores()} usable cores")
    assert told["OpenGL"] == "osmesa: softpipe"
    assert told["ffmpeg"] == "7.0.2, writes H.264"
    found.write(tmp_path / "doctor.json")
    assert Doctor.read(tmp_path / "doctor.json") == found


def test_container_and_job_are_named() -> None:
    found, _ = doctor.examine()
    inside = found.model_copy(
        update={"container": ImageRecord(sha256="", image="x.sif", commit="abc"), "slurm_job": "7"}
    )
    assert lines(inside)["container"] == "x.sif, commit abc"
    assert lines(inside)["Slurm"] == "inside job 7"


@pytest.mark.parametrize(("module", "name"), [(opengl, "choose"), (encode, "check_ffmpeg")])
def test_what_is_missing_is_told_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.setattr(module, name, refuse)
    found, problems = doctor.examine()
    assert sum(line == "missing" for line in lines(found).values()) == 1
    with pytest.raises(MachineError, match="cannot be done — got no way — install it"):
        doctor.refuse(problems)
    found, problems = doctor.examine(videos=False)
    doctor.refuse(problems)
    assert lines(found, videos=False)["OpenGL"] == "not asked for"


def test_everything_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opengl, "choose", refuse)
    monkeypatch.setattr(encode, "check_ffmpeg", refuse)
    _, problems = doctor.examine()
    with pytest.raises(MachineError) as caught:
        doctor.refuse(problems)
    assert str(caught.value) == (
        "2 things are missing — got cannot be done: no way; cannot be done: no way — install it, and install it"
    )


@pytest.mark.parametrize("name", [".", "results", "a/b/results"])
def test_writing_leaves_no_trace(tmp_path: Path, name: str) -> None:
    assert doctor.try_writing(tmp_path / name) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    for name, why in (("file", "Not a directory"), ("file/results", "Not a directory"), ("link", "No such file or d")):
        with pytest.raises(MachineError, match=f"cannot write a file — {tmp_path / name} — got {why}"):
            doctor.try_writing(tmp_path / name)
    found, _ = doctor.examine(results=tmp_path / "file")
    assert lines(found)["results"] == f"{tmp_path / 'file'}, cannot be written"


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> object:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(MachineError, match=r"the disk is full — .* — got No space left on device — free some space"):
        doctor.try_writing(tmp_path)


def test_packages_that_differ_from_the_lock_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "absent":
            raise metadata.PackageNotFoundError(name)
        return {"torch": "2.13.0+cpu"}.get(name, "1.0")

    monkeypatch.setattr(metadata, "version", version)
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# c==9\na==1.0 \\\n    --hash=sha256:0\nb==2.0\ntorch==2.13.0 ; python_version < '4'\nabsent==1.0\n"
    )
    found = doctor.compare_lock(lock)
    assert found == LockAgreement(file=str(lock), compared=3, differences={"b": ["1.0", "2.0"]})
    assert doctor._lock(found) == f"1 of 3 packages differ from {lock}: b 1.0 instead of 2.0"
    many = found.model_copy(update={"differences": {f"p{place}": ["1", "2"] for place in range(9)}})
    assert doctor._lock(many).endswith("p3 1 instead of 2, and 5 more")


def test_the_installed_packages_are_those_of_the_real_lock() -> None:
    found = doctor.compare_lock()
    assert found is not None
    assert found.compared > 20
    assert "mujoco" not in found.differences


def test_without_a_lock_nothing_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ROOT", tmp_path)
    assert doctor.compare_lock() is None
    assert doctor._lock(None) == "no lock file found, nothing compared"


def test_on_this_machine_a_picture_and_a_video_are_really_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found, _ = doctor.examine()
    assert found.opengl is not None
    assert found.opengl["backend"] in opengl.HEADLESS
    assert found.ffmpeg
