"""The image, and studies that were run in it to their end, once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import images
import pytest
import yaml
from snakemake_calls import ROOT
from support import PLUGIN, TINY

from mimicrl.motions import gait

SMOKE = yaml.safe_load((ROOT / "configs" / "smoke.yaml").read_text())
PROFILE = ["--workflow-profile", str(ROOT / "workflow" / "profiles" / "default")]
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="session")
def run(image: Path) -> Run:
    """Runs a study's steps in the container: ``run(folder, study_file, *words)``."""

    def start(folder: Path, study: Path, *words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
        command += [
            "--directory",
            str(folder),
            "--cores",
            "2",
            "--nocolor",
            "--sdm",
            "apptainer",
            "--configfile",
            str(study),
            *words,
        ]
        return images.limited(900, command, os.environ | images.ENVIRONMENT, folder)

    return start


def write(path: Path, image: Path, **changes: Any) -> Path:
    """Write the smoke study, whose container is required."""
    content = SMOKE | {"image": str(image), "container": "required"} | changes
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="session")
def finished(image: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the smoke study, run as users run it."""
    folder = tmp_path_factory.mktemp("finished")
    code, output = run(folder, write(folder / "study.yaml", image, seeds=[1]), *PROFILE)
    assert code == 0, output
    (folder / "output.txt").write_text(output)
    return folder


@pytest.fixture(scope="session")
def isolated(image: Path, run: Run, walker: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a study that saw only what it names, all of that elsewhere, and no network."""
    folder, elsewhere = tmp_path_factory.mktemp("isolated"), tmp_path_factory.mktemp("else where")
    (elsewhere / "results").mkdir()
    (folder / "results").symlink_to(elsewhere / "results")
    gait.generate(walker, 1.2).save(elsewhere / "walk.npz")
    (elsewhere / "presets").mkdir()
    (elsewhere / "presets" / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    (elsewhere / "terms.py").write_text(PLUGIN)
    effort = {"rewards": {"effort": {"weight": 0.01}}}
    recorded = {"use": "presets/tiny.yaml", "motion": {"file": "walk.npz"}, "mdp": effort}
    experiments = SMOKE["experiments"] | {"recorded": recorded}
    study = write(elsewhere / "study.yaml", image, seeds=[1], plugins=["terms.py"], experiments=experiments)
    code, output = run(folder, study, f"--apptainer-args={' '.join(['--cleanenv', *images.ISOLATED])}")
    assert code == 0, output
    return elsewhere / "results" / "smoke"
