"""`mimicrl doctor`: what the machine can do, on the screen and in a file, and code 5 where something is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts
from mimicrl.rendering import opengl


def test_a_machine_that_can_do_all_is_described(mimicrl: Any, tmp_path: Path) -> None:
    done = mimicrl("doctor", "--out", tmp_path / "new" / "doctor.json")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == [
        *("processor", "cards", "memory", "versions", "lock", "container", "Slurm", "results", "OpenGL", "ffmpeg"),
    ]
    found = artifacts.read_json(tmp_path / "new" / "doctor.json")
    assert f"{found['opengl']['backend']}: {found['opengl']['renderer']}" in done.out
    assert f"{found['ffmpeg']}, writes H.264" in done.out
    assert f"mujoco {found['versions']['mujoco']}" in done.out


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
    assert done.code == 5 and done.err.count("\n") == 1 and done.err.startswith(f"mimicrl doctor: {told}")
    assert not out.exists()
    done = mimicrl("doctor", "--no-video", "--out", out)
    assert done.code == 0 and "ffmpeg     not asked for" in done.out
    found = artifacts.read_json(out)
    assert (found["opengl"], found["ffmpeg"]) == (None, None) and found["cpu"]["cores"] > 0


def test_a_place_where_results_cannot_be_written_is_code_5(
    mimicrl: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").touch()
    done = mimicrl("doctor", "--no-video")
    assert done.code == 5 and f"results    {tmp_path}/results, cannot be written" in done.out
    assert done.last == (
        f"mimicrl doctor: cannot write a file — {tmp_path}/results — got Not a directory"
        " — check the path and its permissions"
    )
