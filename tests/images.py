"""The container's image for tests, built from the project's own definition."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest
from snakemake_calls import ROOT

IMAGE = ROOT / "build" / "mimicrl.sif"
BASE = ROOT / "build" / "base.tar"
# As a user without root's powers, which root may lack as well.
ENVIRONMENT = {"APPTAINER_USERNS": "1"}
# Nothing of the machine, no network; the root file system is read-only anyway.
ISOLATED = ["--containall", "--net", "--network", "none"]


def image() -> Path:
    """Return the image, built anew only if it is not of these sources."""
    if shutil.which("apptainer") is None:
        unavailable("apptainer is not installed, see containers/README.md")
    environment = dict(os.environ)
    if "BASE" not in environment and BASE.exists():
        environment |= {"BOOTSTRAP": "oci-archive", "BASE": str(BASE)}
    code, output = limited(900, [str(ROOT / "containers" / "build"), str(IMAGE)], environment)
    if "conveyor failed to get" in output:
        unavailable("the base image cannot be had: give BOOTSTRAP and BASE, see containers/README.md")
    assert code == 0, output[-3000:]
    code, output = execute(["true"])
    if code:
        unavailable(f"apptainer cannot run a container here: {output}")
    return IMAGE


def unavailable(reason: str) -> NoReturn:
    """Skip for a reason; in CI there is none."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def execute(words: list[str], *options: str, folder: Path | None = None) -> tuple[int, str]:
    """Run a command in the container; return exit code and output."""
    command = ["apptainer", "--quiet", "exec", "--cleanenv", *options, str(IMAGE), *words]
    return limited(300, command, os.environ | ENVIRONMENT, folder)


def limited(
    seconds: int, command: list[str], environment: dict[str, str], folder: Path | None = None
) -> tuple[int, str]:
    """Run a command that is ended with all that it started when it hangs, as Apptainer's starter may."""
    done = subprocess.run(
        ["timeout", "--kill-after=10", str(seconds), *command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout
