"""Each fact in a short line."""

from __future__ import annotations

from typing import Any

import pytest

from mimicrl import doctor

FACTS: dict[str, Any] = {
    "cpu": {"model": "Good CPU", "cores": 4, "vector_instructions": []},
    "graphics_cards": [],
    "memory": {"total_bytes": 8 << 30, "available_bytes": 3 << 29},
    "limits": {"memory_bytes": None, "cores": None},
    "threads": {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": None},
    "versions": {"mimicrl": "0.1.0", "torch": "2.13.0"},
    "lock": None,
    "container": None,
    "slurm": {"commands": [], "job": None},
    "results": {"directory": "/here/results", "free_bytes": 1 << 40},
    "opengl": {"backend": "egl", "renderer": "card"},
    "other_opengl": {},
    "ffmpeg": "7.0.2",
}


def line(name: str, **changes: Any) -> str:
    (found,) = (line for line in doctor.describe(FACTS | changes) if line.startswith(name))
    return found[11:]


def test_a_bare_machine() -> None:
    assert doctor.describe(FACTS) == [
        "processor  Good CPU, 4 usable cores",
        "vectors    not known",
        "cards      none that NVIDIA's driver knows",
        "memory     8.0 GiB, 1.5 GiB available",
        "limits     none by control groups",
        "threads    OMP_NUM_THREADS 1, MKL_NUM_THREADS not set",
        "versions   mimicrl 0.1.0, torch 2.13.0",
        "lock       not found, nothing compared",
        "container  none, this is the host",
        "Slurm      none",
        "results    /here/results, 1024.0 GiB free",
        "OpenGL     egl: card",
        "ffmpeg     7.0.2, writes H.264",
    ]


def test_graphics_cards() -> None:
    assert line("cards", graphics_cards=["H100", "H200"]) == "H100, H200"


@pytest.mark.parametrize(
    ("memory", "text"),
    [((None, None), "not known"), ((1 << 30, None), "1.0 GiB"), ((1 << 30, 0), "1.0 GiB, 0.0 GiB available")],
)
def test_memory(memory: tuple[int | None, int | None], text: str) -> None:
    assert line("memory", memory=dict(zip(("total_bytes", "available_bytes"), memory, strict=True))) == text


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ((4 << 30, None), "4.0 GiB of memory (control group)"),
        ((None, 1.5), "the time of 1.5 cores (control group)"),
        ((4 << 30, 2.0), "4.0 GiB of memory, the time of 2 cores (control group)"),
    ],
)
def test_limits(limits: tuple[int | None, float | None], text: str) -> None:
    assert line("limits", limits=dict(zip(("memory_bytes", "cores"), limits, strict=True))) == text


def test_the_lock() -> None:
    lock: dict[str, Any] = {"file": "/x.lock", "compared": 130, "differences": {}}
    assert line("lock", lock=lock) == "all 130 packages have the versions of /x.lock"
    lock["differences"] = {"numpy": {"installed": None, "locked": "2.4.6"}}
    assert line("lock", lock=lock) == "1 of 130 packages differ from /x.lock: numpy missing instead of 2.4.6"
    lock["differences"] = {f"p{place}": {"installed": "1", "locked": "2"} for place in range(9)}
    told = line("lock", lock=lock)
    assert told.startswith("9 of 130 packages differ from /x.lock: p0 1 instead of 2, p1 1 ")
    assert told.endswith("p3 1 instead of 2, and 5 more")


def test_the_container() -> None:
    labels = {"org.label-schema.build-date": "noise", "version": "0.1.0", "commit": "abc"}
    assert line("container", container={"image": "/x.sif", "labels": labels}) == "/x.sif, version 0.1.0, commit abc"


def test_slurm() -> None:
    assert line("Slurm", slurm={"commands": ["sbatch", "squeue"], "job": None}) == (
        "sbatch and squeue found, not inside a job"
    )
    job = {"id": "77", "partition": "main", "node": None, "cores": "4"}
    assert line("Slurm", slurm={"commands": [], "job": job}) == "inside job 77, partition main, cores 4"


def test_opengl() -> None:
    others = {"osmesa": {"renderer": "softpipe"}, "cgl": {"problem": "no library"}}
    assert line("OpenGL", other_opengl=others) == "egl: card; osmesa: softpipe; cgl does not work: no library"
    assert line("OpenGL", opengl=None, other_opengl={"egl": {"renderer": "card"}}) == "missing; egl: card"
