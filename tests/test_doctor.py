"""The doctor tries what it reports: pictures are drawn, a video and a file written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mimicrl import artifacts, doctor, provenance
from mimicrl.errors import MachineError
from mimicrl.rendering import gl, video

NAMES = [
    *("processor", "vectors", "cards", "memory", "limits", "threads", "versions", "lock", "container", "Slurm"),
    *("results", "OpenGL", "ffmpeg"),
]


def refuse(*_: Any) -> Any:
    raise MachineError("cannot be done", got="no way", fix="install it")


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OSMesa works, EGL does not, there is an ffmpeg, and nobody asks for a backend."""
    monkeypatch.setattr(gl, "choose", lambda: gl.OpenGL("osmesa", "softpipe"))
    monkeypatch.setattr(
        gl, "attempt", lambda backend: "no card" if backend == "egl" else gl.OpenGL(backend, "softpipe")
    )
    monkeypatch.setattr(gl, "_wanted", "")
    monkeypatch.setattr(video, "check_ffmpeg", lambda: "7.0.2")
    monkeypatch.chdir(tmp_path)


def told(found: doctor.Findings, **options: Any) -> dict[str, str]:
    """The lines by their names, in order."""
    lines = doctor.describe(found.facts, **options)
    assert [line[:11].rstrip() for line in lines] == NAMES and not any("\n" in line for line in lines)
    return {line[:11].rstrip(): line[11:] for line in lines}


def test_what_is_found_is_what_was_tried(tmp_path: Path) -> None:
    found = doctor.examine()
    facts, problems = found
    assert problems == []
    assert (facts["cpu"], facts["versions"]) == (provenance.cpu(), provenance.versions())
    assert facts["opengl"] == {"backend": "osmesa", "renderer": "softpipe"}
    assert facts["other_opengl"] == {"egl": {"problem": "no card"}}
    assert facts["ffmpeg"] == "7.0.2"
    assert facts["results"]["directory"] == str(tmp_path / "results")
    assert json.loads(artifacts.json_bytes(facts)) == facts
    lines = told(found)
    assert lines["processor"] == f"{provenance.cpu()['model']}, {provenance.usable_cores()} usable cores"
    assert lines["vectors"].split() == provenance.cpu()["vector_instructions"]
    assert lines["versions"].startswith("mimicrl ") and ", torch " in lines["versions"]
    assert lines["OpenGL"] == "osmesa: softpipe; egl does not work: no card"
    assert lines["ffmpeg"] == "7.0.2, writes H.264"


@pytest.mark.parametrize(("module", "name"), [(gl, "choose"), (video, "check_ffmpeg")])
def test_what_is_missing_is_told_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.setattr(module, name, refuse)
    missing = doctor.examine()
    assert sum(line == "missing" for line in told(missing).values()) == 1
    with pytest.raises(MachineError, match="cannot be done — got no way — install it"):
        missing.refuse()
    found = doctor.examine(videos=False)
    found.refuse()
    assert (found.facts["opengl"], found.facts["other_opengl"], found.facts["ffmpeg"]) == (None, {}, None)
    lines = told(found, videos=False)
    assert lines["OpenGL"] == lines["ffmpeg"] == "not asked for"


@pytest.mark.parametrize("videos", [True, False])
def test_a_place_for_results_is_needed_always(tmp_path: Path, videos: bool) -> None:
    (tmp_path / "results").touch()
    missing = doctor.examine(videos=videos)
    assert told(missing, videos=videos)["results"] == "cannot be written"
    with pytest.raises(MachineError, match=f"cannot write a file — {tmp_path}/results — got Not a directory — check"):
        missing.refuse()


def test_everything_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "choose", refuse)
    monkeypatch.setattr(video, "check_ffmpeg", refuse)
    with pytest.raises(MachineError) as caught:
        doctor.examine().refuse()
    assert str(caught.value) == (
        "2 things are missing — got cannot be done: no way; cannot be done: no way — install it, and install it"
    )


def test_where_another_backend_is_asked_for_those_that_work_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "choose", refuse)
    monkeypatch.setattr(gl, "_wanted", "nonsense")
    assert told(doctor.examine())["OpenGL"] == "missing; egl does not work: no card; osmesa: softpipe"


def test_on_this_machine_pictures_and_a_video_are_really_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    found = doctor.examine().facts
    backends = {found["opengl"]["backend"], *found["other_opengl"]}
    assert backends == set(gl.HEADLESS) and found["ffmpeg"]
    assert all(set(other) in ({"renderer"}, {"problem"}) for other in found["other_opengl"].values())
