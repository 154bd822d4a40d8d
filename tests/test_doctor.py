"""The doctor tries what it reports: a picture is drawn and a video written."""

from __future__ import annotations

from typing import Any

import pytest

from mimicrl import artifacts, doctor, provenance
from mimicrl.errors import MachineError
from mimicrl.rendering import gl, video


def refuse(*_: Any) -> Any:
    raise MachineError("cannot be done", got="no way", fix="install it")


def test_what_is_found_is_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "choose", lambda: gl.OpenGL("osmesa", "softpipe"))
    monkeypatch.setattr(video, "check_ffmpeg", lambda: "7.0.2")
    found, problems = doctor.examine()
    assert problems == []
    assert found == {
        "cpu": provenance.cpu(),
        "versions": provenance.versions(),
        "opengl": {"backend": "osmesa", "renderer": "softpipe"},
        "ffmpeg": "7.0.2",
    }
    assert artifacts.json_bytes(found)
    processor, versions, opengl, ffmpeg = doctor.describe(found)
    assert processor == f"processor  {provenance.cpu()['model']}, {provenance.usable_cores()} usable cores"
    assert versions.startswith("versions   mimicrl ") and ", torch " in versions
    assert (opengl, ffmpeg) == ("OpenGL     osmesa: softpipe", "ffmpeg     7.0.2, writes H.264")


@pytest.mark.parametrize(("module", "name"), [(gl, "choose"), (video, "check_ffmpeg")])
def test_what_is_missing_is_told_only_where_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    monkeypatch.setattr(gl, "choose", lambda: gl.OpenGL("egl", "a card"))
    monkeypatch.setattr(video, "check_ffmpeg", lambda: "7.0.2")
    monkeypatch.setattr(module, name, refuse)
    missing = doctor.examine()
    told = doctor.describe(missing.facts)
    assert told[0].startswith("processor") and sum(line.endswith("missing") for line in told) == 1
    with pytest.raises(MachineError, match="cannot be done — got no way — install it"):
        missing.refuse()
    found = doctor.examine(videos=False)
    found.refuse()
    assert (found.facts["opengl"], found.facts["ffmpeg"]) == (None, None)
    told = doctor.describe(found.facts, videos=False)
    assert told[2:] == ["OpenGL     not asked for", "ffmpeg     not asked for"]


def test_everything_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "choose", refuse)
    monkeypatch.setattr(video, "check_ffmpeg", refuse)
    with pytest.raises(MachineError) as caught:
        doctor.examine().refuse()
    assert str(caught.value) == (
        "2 things are missing — got cannot be done: no way; cannot be done: no way — install it, and install it"
    )


def test_on_this_machine_a_picture_and_a_video_are_really_made() -> None:
    found = doctor.examine().facts
    assert found["opengl"]["backend"] in ("egl", "osmesa") and found["ffmpeg"]
