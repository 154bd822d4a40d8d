"""All that matters here of the machine, tried where it can be tried: a picture, a video, a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from mimicrl import provenance
from mimicrl.doctor import lock, machine, surroundings
from mimicrl.errors import MachineError
from mimicrl.rendering import gl, video


class Findings(NamedTuple):
    """What was found.

    Attributes:
        facts: For ``doctor.json``; None where something is missing or not asked for.
        problems: What is missing, and how to install it.
    """

    facts: dict[str, Any]
    problems: list[MachineError]

    def refuse(self) -> None:
        """Raise what is missing, where something is.

        Raises:
            MachineError: Something is.
        """
        if len(self.problems) == 1:
            raise self.problems[0]
        if self.problems:
            raise MachineError(
                f"{len(self.problems)} things are missing",
                got="; ".join(f"{problem.what}: {problem.got}" for problem in self.problems),
                fix=", and ".join(problem.fix for problem in self.problems),
            )


def examine(*, videos: bool = True, results: Path = Path("results")) -> Findings:
    """Return what matters here of the machine; pictures, a video and a file are really made.

    Args:
        videos: Whether videos are to be made here.
        results: Where results are to be written; it need not be there yet.
    """
    facts: dict[str, Any] = {
        "cpu": provenance.cpu(),
        "graphics_cards": provenance.graphics_cards(),
        "memory": machine.memory(),
        "limits": machine.limits(),
        "threads": surroundings.threads(),
        "versions": provenance.versions(),
        "lock": lock.compare(),
        "container": surroundings.container(),
        "slurm": surroundings.slurm(),
        "results": None,
        "opengl": None,
        "ffmpeg": None,
    }
    problems: list[MachineError] = []
    trials: dict[str, Callable[[], Any]] = {"results": lambda: machine.try_writing(results)}
    if videos:
        trials |= {"opengl": lambda: asdict(gl.choose()), "ffmpeg": video.check_ffmpeg}
    for name, trial in trials.items():
        try:
            facts[name] = trial()
        except MachineError as error:
            problems.append(error)
    facts["other_opengl"] = _other_opengl(facts["opengl"]) if videos else {}
    return Findings(facts, problems)


def _other_opengl(chosen: dict[str, Any] | None) -> dict[str, dict[str, str]]:
    """Try the backends that were not chosen, so that one knows what ``MUJOCO_GL`` may name.

    Returns:
        For each ``renderer``, or ``problem`` where it draws nothing. None that is already told as missing.
    """
    asked = gl.wanted()
    known = {chosen["backend"]} if chosen else {asked} if asked else set(gl.HEADLESS)
    found = {backend: gl.attempt(backend) for backend in gl.HEADLESS if backend not in known}
    return {
        backend: {"problem": trial} if isinstance(trial, str) else {"renderer": trial.renderer}
        for backend, trial in found.items()
    }
