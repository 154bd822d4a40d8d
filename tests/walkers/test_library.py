"""Walkers are found by being in a folder, the library's or one's own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import get_args

import pytest

from mimicrl.errors import WalkerError
from mimicrl.walkers import library, load
from mimicrl.walkers.walker import Actuation


@pytest.fixture
def robots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the library, to put walkers into."""
    copy = tmp_path / "robots"
    shutil.copytree(library.ROBOTS, copy)
    monkeypatch.setattr(library, "ROBOTS", copy)
    return copy


@pytest.mark.parametrize("name", library.names())
@pytest.mark.parametrize("actuation", get_args(Actuation))
def test_every_bundled_walker_compiles_and_has_metadata(name: str, actuation: Actuation) -> None:
    walker = load(name, actuation)
    assert walker.name == name
    assert walker.actuation == actuation
    assert not walker.inferred


def test_a_folder_in_the_library_is_a_walker(robots: Path) -> None:
    shutil.copytree(robots / library.DEFAULT, robots / "another")
    assert "another" in library.names()
    assert load("another").joint_names == load(library.DEFAULT).joint_names


@pytest.mark.parametrize("files", [(), (library.METADATA,)])
def test_a_folder_without_a_model_is_no_walker(robots: Path, files: tuple[str, ...]) -> None:
    (robots / "__pycache__").mkdir()
    for file in files:
        (robots / "__pycache__" / file).touch()
    assert "__pycache__" not in library.names()


def test_a_walker_is_named_by_its_folder_or_its_file(robots: Path) -> None:
    folder = robots / library.DEFAULT
    assert load(str(folder)).name == library.DEFAULT
    assert not load(str(folder)).inferred
    assert load(str(folder / library.MJCF)).inferred
    assert library.read(folder, "mine").name == "mine"


@pytest.mark.parametrize("file", [library.MJCF, library.METADATA])
def test_a_folder_that_lacks_a_file_is_refused(robots: Path, file: str) -> None:
    (robots / library.DEFAULT / file).unlink()
    with pytest.raises(WalkerError, match=rf"^cannot read a walker's file — .*/{file} — "):
        load(str(robots / library.DEFAULT))


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("walker4d", "did you mean walker3d?"),
        ("../walker3d", "did you mean walker3d?"),
        ("horse", "give a walker's folder or an MJCF file as walker.file"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, fix: str) -> None:
    with pytest.raises(WalkerError) as caught:
        load(name)
    assert str(caught.value) == f"no such walker — {name} — expected one of {', '.join(library.names())} — {fix}"
