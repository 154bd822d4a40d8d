"""`doctor` tries what it reports: it draws a picture and writes a video and a file; what is missing is exit code 5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mimicrl import machine
from mimicrl.errors import MachineError
from mimicrl.rendering import encode, opengl
from mimicrl.runs.records import Doctor, ImageRecord
from mimicrl.stages import doctor


def refuse(*_: Any) -> Any:
    raise MachineError("cannot be done", got="no way", fix="install it")


def lines(found: Doctor, **options: Any) -> dict[str, str]:
    """The lines by their names."""
    return {line[:11].rstrip(): line[11:] for line in doctor.describe(found, **options)}


def test_a_machine_that_can_do_all_is_described_on_the_screen_and_in_a_file(mimicrl: Any, tmp_path: Path) -> None:
    done = mimicrl("doctor", "--out", tmp_path / "new" / "doctor.json")
    assert (done.code, done.err) == (0, "")
    found = Doctor.read(tmp_path / "new" / "doctor.json")
    assert found.opengl is not None
    assert found.opengl["backend"] in opengl.HEADLESS
    assert f"{found.opengl['backend']}: {found.opengl['renderer']}" in done.out
    assert f"{found.ffmpeg}, writes H.264" in done.out
    assert f"{machine.usable_cores()} usable cores" in done.out
    assert done.out.endswith("nothing is missing on this machine\n")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("MUJOCO_GL", "nonsense", "cannot draw without OpenGL — MUJOCO_GL=nonsense — got nonsense: ModuleNotFound"),
        ("IMAGEIO_FFMPEG_EXE", "/nonexistent", "ffmpeg cannot write the video — "),
    ],
)
def test_what_videos_lack_is_code_5_and_matters_to_no_one_else(
    mimicrl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    opengl._choose.cache_clear()
    out = tmp_path / "doctor.json"
    done = mimicrl("doctor", "--out", out)
    assert done.code == 5
    assert done.last.startswith(f"mimicrl doctor: {told}")
    assert not out.exists()
    done = mimicrl("doctor", "--no-video", "--out", out)
    assert done.code == 0
    assert "ffmpeg     not asked for" in done.out
    assert (Doctor.read(out).opengl, Doctor.read(out).ffmpeg) == (None, None)


def test_container_and_job_are_named() -> None:
    found, _ = doctor.examine(videos=False)
    image = ImageRecord(sha256="", image="x.sif", commit="abc")
    inside = lines(found.model_copy(update={"container": image, "slurm_job": "7"}))
    assert (inside["container"], inside["Slurm"]) == ("x.sif, commit abc", "inside job 7")


def test_everything_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opengl, "choose", refuse)
    monkeypatch.setattr(encode, "check_ffmpeg", refuse)
    found, problems = doctor.examine()
    assert (lines(found)["OpenGL"], lines(found)["ffmpeg"]) == ("missing", "missing")
    with pytest.raises(MachineError, match=r"^2 things are missing — got cannot .*; cannot .* — install it, and"):
        doctor.refuse(problems)


@pytest.mark.parametrize("name", [".", "results", "a/b/results"])
def test_writing_leaves_no_trace(tmp_path: Path, name: str) -> None:
    assert doctor.try_writing(tmp_path / name) > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("file", "Not a directory"), ("file/results", "Not a directory"), ("link", "No such file or directory")],
)
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "unmounted")
    found, problems = doctor.examine(videos=False, results=tmp_path / name)
    assert lines(found)["results"] == f"{tmp_path / name}, cannot be written"
    with pytest.raises(MachineError, match=f"cannot write a file — {tmp_path / name} — got {why}"):
        doctor.refuse(problems)
