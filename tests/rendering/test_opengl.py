"""OpenGL is tried before it is used: EGL, else OSMesa, else an error that says what to install."""

from __future__ import annotations

import ctypes.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import BROKEN_EGL, broken_osmesa

from mimicrl import isolated
from mimicrl.errors import MachineError
from mimicrl.rendering import opengl


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was tried before, and nobody asks for a backend."""
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(opengl, "_wanted", None)
    opengl._choose.cache_clear()


@pytest.fixture
def no_egl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in BROKEN_EGL.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def no_osmesa(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in broken_osmesa(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def osmesa() -> None:
    """OSMesa is installed; in CI it must be."""
    if ctypes.util.find_library("OSMesa") is None:
        reason = "apt-get install libosmesa6"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The backends that are tried, in order."""
    tried: list[str] = []
    real = opengl.attempt
    monkeypatch.setattr(opengl, "attempt", lambda backend: (tried.append(backend), real(backend))[1])
    return tried


def test_egl_is_chosen_where_it_works(trials: list[str]) -> None:
    found = opengl.choose()
    assert found.backend == "egl"
    assert found.renderer not in ("", "?")
    assert opengl.choose() is found
    assert trials == ["egl"], "one trial is enough"


# What this process is bound to must not bind a trial.
@pytest.mark.fault(36)
@pytest.mark.parametrize("bound", ["", "egl", "osmesa"])
def test_osmesa_is_chosen_where_egl_is_broken(
    monkeypatch: pytest.MonkeyPatch, trials: list[str], no_egl: None, osmesa: None, bound: str
) -> None:
    monkeypatch.setenv("PYOPENGL_PLATFORM", bound)
    assert opengl.choose().backend == "osmesa"
    assert trials == ["egl", "osmesa"]


@pytest.mark.parametrize("named", ["", "egl"])
def test_films_are_drawn_with_osmesa_where_egl_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_egl: None, osmesa: None, named: str
) -> None:
    monkeypatch.setenv("PYOPENGL_PLATFORM", named)
    out = tmp_path / "film.png"
    words = ["motion", "play", "gait", "--out", str(out), "--format", "png", "--seconds", "0.3", "--width", "128"]
    done = subprocess.run([sys.executable, "-m", "mimicrl", *words], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(out) as strip:
        assert np.asarray(strip).std() > 5


@pytest.mark.fault(36)
def test_without_any_the_message_says_what_to_install(no_egl: None, no_osmesa: None) -> None:
    with pytest.raises(MachineError) as caught:
        opengl.choose()
    message = r"cannot draw without OpenGL — MUJOCO_GL is not set — got egl: ImportError: .+; osmesa: .+ — (apt-get .+)"
    found = re.fullmatch(message, str(caught.value))
    assert found
    assert found[1] == "apt-get install libegl1 libgl1-mesa-dri libopengl0, or libosmesa6"


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("name", "got", "fix"),
    [
        ("osmesa", "osmesa: ", opengl.REMEDY),
        ("egl", "egl: ImportError: ", opengl.REMEDY),
        ("nonsense", "nonsense: ModuleNotFoundError: ", "unset MUJOCO_GL, or set it to egl or osmesa"),
    ],
)
@pytest.mark.usefixtures("no_egl", "no_osmesa")
def test_what_mujoco_gl_names_is_tried_alone(
    monkeypatch: pytest.MonkeyPatch, trials: list[str], name: str, got: str, fix: str
) -> None:
    monkeypatch.setenv("MUJOCO_GL", f" {name.upper()} ")
    with pytest.raises(MachineError) as caught:
        opengl.choose()
    assert str(caught.value).startswith(f"cannot draw without OpenGL — MUJOCO_GL={name} — got {got}")
    assert caught.value.fix == fix
    assert trials == [name]


def test_a_machine_that_was_repaired_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    works = opengl.OpenGL("egl", "a card")
    for found in ("no card", works):
        monkeypatch.setattr(opengl, "attempt", lambda backend, found=found: found)
        if found is works:
            assert opengl.choose() is works
        else:
            with pytest.raises(MachineError, match="got egl: no card; osmesa: no card"):
                opengl.choose()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (isolated.Crashed("SIGSEGV"), "the driver crashed with SIGSEGV"),
        (isolated.Failed("OSError: no card"), "OSError: no card"),
        (isolated.TimedOut("no end within 60 s"), "no end within 60 s"),
        (None, "softpipe draws an empty picture"),
    ],
    ids=["crashes", "fails", "hangs", "draws nothing"],
)
def test_a_trial_that_fails_in_any_way_is_told(
    monkeypatch: pytest.MonkeyPatch, end: isolated.NoResult | None, told: str
) -> None:
    def run(*_: object, **__: object) -> dict[str, object]:
        if end:
            raise end
        return {"contrast": 0.5, "renderer": "softpipe"}

    monkeypatch.setattr(isolated, "run", run)
    assert opengl.attempt("egl") == told


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("osmesa", "osmesa"), (" EGL", "egl"), *((word, "") for word in ("disable", "enable", "DISABLED", " ", ""))],
)
def test_a_deferred_wish_is_kept_from_mujoco_and_remembered(
    monkeypatch: pytest.MonkeyPatch, asked: str, wanted: str
) -> None:
    monkeypatch.setenv("MUJOCO_GL", asked)
    for _ in range(2):  # a second time changes nothing
        opengl.defer()
        assert (os.environ["MUJOCO_GL"], opengl.wanted()) == ("disable", wanted)
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    opengl.defer()
    assert (os.environ["MUJOCO_GL"], opengl.wanted()) == ("disable", "glfw")
