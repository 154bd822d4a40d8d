"""`mimicrl doctor`: checks this machine. It really draws a picture and writes a video and a file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mimicrl import artifacts, console, machine
from mimicrl.errors import MachineError
from mimicrl.stages.stage import Work, stage

if TYPE_CHECKING:
    from mimicrl.runs.records import Doctor

_TRIAL = bytes(1 << 20)


@stage("The machine")
def doctor(
    work: Work,
    video: Annotated[bool, typer.Option(help="Also check OpenGL and ffmpeg, which videos need.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write what was found to this JSON file.", show_default="no")] = None,
) -> None:
    """Check this machine: print what it can do, and what you must install."""
    found, problems = examine(videos=video)
    for line in describe(found, videos=video):
        console.detail(line)
    refuse(problems)
    typer.echo("nothing is missing on this machine")
    if out is not None:
        work.write(out, found.to_bytes())


def examine(*, videos: bool = True, results: Path = Path("results")) -> tuple[Doctor, list[MachineError]]:
    """Return what was found, and what is missing.

    Args:
        videos: Whether to check OpenGL and ffmpeg, which videos need.
        results: The folder for the results. It need not exist yet.
    """
    from mimicrl.rendering import encode, opengl
    from mimicrl.runs import container
    from mimicrl.runs.records import Doctor

    trials: dict[str, Callable[[], Any]] = {"free_bytes": lambda: try_writing(results)}
    if videos:
        trials |= {"opengl": lambda: asdict(opengl.choose()), "ffmpeg": encode.check_ffmpeg}
    found: dict[str, Any] = dict.fromkeys(("free_bytes", "opengl", "ffmpeg"))
    problems: list[MachineError] = []
    for name, trial in trials.items():
        try:
            found[name] = trial()
        except MachineError as error:
            problems.append(error)
    facts = {
        "cpu": machine.cpu(),
        "graphics_cards": machine.graphics_cards(),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "versions": machine.versions(),
        "container": container.current(),
        "slurm_job": machine.slurm_job(),
        "results": str(results.absolute()),
    }
    return Doctor.model_validate(facts | found), problems


def refuse(problems: list[MachineError]) -> None:
    """Raise one error that names everything that is missing; do nothing if nothing is missing.

    Raises:
        MachineError: Something is missing.
    """
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise MachineError(
            f"{len(problems)} things are missing",
            got="; ".join(f"{problem.what}: {problem.got}" for problem in problems),
            fix=", and ".join(problem.fix for problem in problems),
        )


def try_writing(results: Path) -> int:
    """Write a temporary file into the folder for results, or into the nearest parent folder that exists.

    Returns:
        Free space there [byte].

    Raises:
        MachineError: The disk is full, or the place cannot be written.
    """
    results = place = results.absolute()
    while not place.exists() and not place.is_symlink():
        place = place.parent
    with artifacts.machine_errors(results):
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(_TRIAL)
        return shutil.disk_usage(place).free


def describe(found: Doctor, *, videos: bool = True) -> list[str]:
    """Return what was found, one line each."""
    nothing = "missing" if videos else "not asked for"
    image, opengl = found.container, found.opengl
    lines = {
        "processor": f"{found.cpu.model}, {found.cpu.cores} usable cores, {' '.join(found.cpu.vector_instructions)}",
        "cards": ", ".join(found.graphics_cards) or "none that NVIDIA's driver knows",
        "memory": _gib(found.memory_bytes),
        "versions": ", ".join(f"{name} {version}" for name, version in found.versions.items()),
        "container": "none, this is the host" if image.image is None else f"{image.image}, commit {image.commit}",
        "Slurm": "not inside a job" if found.slurm_job is None else f"inside job {found.slurm_job}",
        "results": f"{found.results}, "
        + ("cannot be written" if found.free_bytes is None else f"{_gib(found.free_bytes)} free"),
        "OpenGL": f"{opengl['backend']}: {opengl['renderer']}" if opengl else nothing,
        "ffmpeg": f"{found.ffmpeg}, writes H.264" if found.ffmpeg else nothing,
    }
    return [f"{name:<11}{text}" for name, text in lines.items()]


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
