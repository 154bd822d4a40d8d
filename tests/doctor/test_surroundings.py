"""Threads, containers and Slurm are told from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimicrl.doctor import surroundings


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without any of it."""
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER", "SLURM_JOB_ID", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_threads_are_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    found = surroundings.threads()
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]) == ("3", None)


@pytest.mark.parametrize("variable", ["APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"])
def test_a_container_is_known_by_its_image_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text('{"version": "0.1.0"}')
    assert surroundings.container(labels) is None, "a file of labels alone makes no container"
    monkeypatch.setenv(variable, "/images/mimicrl.sif")
    assert surroundings.container(labels) == {"image": "/images/mimicrl.sif", "labels": {"version": "0.1.0"}}


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_container_without_labels_is_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "labels.json").write_text(content)
    monkeypatch.setenv("APPTAINER_CONTAINER", "x.sif")
    assert surroundings.container(tmp_path / "labels.json") == {"image": "x.sif", "labels": {}}


def test_slurm_is_what_can_be_run(tmp_path: Path) -> None:
    assert surroundings.slurm() == {"commands": [], "job": None}
    for command in ("squeue", "sbatch", "sinfo"):
        (tmp_path / command).touch(mode=0o755)
    assert surroundings.slurm() == {"commands": ["sbatch", "squeue"], "job": None}


def test_inside_a_job_it_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLURM_JOB_PARTITION", "SLURMD_NODENAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.setenv("SLURM_CPUS_ON_NODE", "4")
    assert surroundings.slurm()["job"] == {"id": "77", "partition": None, "node": None, "cores": "4"}
