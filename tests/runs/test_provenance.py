"""Provenance: every result tells code, machine, versions and times, and says so when it does not know."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mimicrl import __version__, machine
from mimicrl.runs import provenance
from mimicrl.runs.records import Image


@pytest.fixture(autouse=True)
def _fresh_hash():
    provenance.code_sha256.cache_clear()
    yield
    provenance.code_sha256.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a package of one file, in the place of this one."""
    folder = tmp_path / "checkout" / "mimicrl"
    (folder / "assets").mkdir(parents=True)
    (folder / "code.py").write_text("x = 1\n")
    monkeypatch.setattr(provenance, "_PACKAGE", folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_a_record_answers_where_a_result_comes_from() -> None:
    started = machine.now()
    record = provenance.record("train", started)
    assert (record.verb, record.started) == ("train", started)
    assert record.ended >= started
    assert record.host == machine.host()
    assert record.versions["mimicrl"] == __version__
    assert set(record.versions) >= {"mujoco", "torch", "numpy", "stable-baselines3"}
    assert record.cpu.cores >= 1
    assert record.cpu.model
    assert len(record.code.sha256) == 64


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda package: (package / "more.py").touch(), True),
        (lambda package: (package / "assets" / "walker.xml").touch(), True),
        (lambda package: (package / "assets" / "walker.yaml").touch(), True),
        (lambda package: (package / "assets" / "table.csv").touch(), True),
        (lambda package: (package / "code.py").rename(package / "other.py"), True),
        (lambda package: (package / "code.pyc").touch(), False),
    ],
)
def test_the_code_hash_covers_source_and_assets_with_their_names(package: Path, change: Any, counts: bool) -> None:
    before = provenance.code_sha256()
    change(package)
    provenance.code_sha256.cache_clear()
    assert (provenance.code_sha256() != before) == counts


def test_a_checkout_tells_its_commit_and_whether_it_was_changed(package: Path) -> None:
    git(package.parent, "init", "--quiet")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "--quiet", "--message", "first")
    commit = git(package.parent, "rev-parse", "HEAD")
    assert provenance._git() == (commit, False)
    (package.parent / "notes.txt").write_text("outside the package")
    assert provenance._git() == (commit, False)
    (package / "code.py").write_text("x = 2\n")
    assert provenance._git() == (commit, True)


def test_an_installed_package_or_one_without_git_has_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert provenance._git() is None
    assert provenance._lock_sha256() == "none"
    (package.parent / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert provenance._git() is None


def test_container_job_and_variables_are_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APPTAINER_CONTAINER", "SLURM_JOB_ID", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    record = provenance.record("train", "")
    assert record.container == Image(sha256="none")
    assert record.slurm_job is None
    assert "OMP_NUM_THREADS" not in record.environment
    monkeypatch.setenv("APPTAINER_CONTAINER", "/images/mimicrl.sif")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    record = provenance.record("train", "")
    unknown = dict.fromkeys(("sha256", "version", "commit"), "unknown")
    assert record.container == Image(image="/images/mimicrl.sif", **unknown)
    assert record.slurm_job == "17"
    assert record.environment["OMP_NUM_THREADS"] == "3"
