"""A study that was run to its end, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from snakemake_calls import snakemake, write

from mimicrl.motions import gait
from mimicrl.walkers import Walker


@pytest.fixture(scope="session")
def finished(walker: Walker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was run to its end."""
    folder = tmp_path_factory.mktemp("finished")
    write(folder)
    gait.generate(walker, 1.2).save(folder / "walk.npz")
    code, output = snakemake(folder)
    assert code == 0, output
    (folder / "output.txt").write_text(output)
    return folder


@pytest.fixture
def study(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study, in another folder."""
    shutil.copytree(finished, tmp_path / "study")
    return tmp_path / "study"
