"""What this machine can do, told before hours are spent on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

from mimicrl import provenance
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


def examine(*, videos: bool = True) -> Findings:
    """Return what matters here of the machine; a picture and a video are really made.

    Args:
        videos: Whether videos are to be made here.
    """
    facts: dict[str, Any] = {"cpu": provenance.cpu(), "versions": provenance.versions(), "opengl": None, "ffmpeg": None}
    problems: list[MachineError] = []
    trials: dict[str, Callable[[], Any]] = {"opengl": lambda: asdict(gl.choose()), "ffmpeg": video.check_ffmpeg}
    for name, trial in trials.items() if videos else ():
        try:
            facts[name] = trial()
        except MachineError as error:
            problems.append(error)
    return Findings(facts, problems)


def describe(facts: dict[str, Any], *, videos: bool = True) -> list[str]:
    """Return what `examine` found, a line each."""
    cpu, opengl, ffmpeg = facts["cpu"], facts["opengl"], facts["ffmpeg"]
    nothing = "missing" if videos else "not asked for"
    return [
        f"processor  {cpu['model']}, {cpu['cores']} usable cores",
        f"versions   {', '.join(f'{name} {version}' for name, version in facts['versions'].items())}",
        f"OpenGL     {opengl['backend']}: {opengl['renderer']}" if opengl else f"OpenGL     {nothing}",
        f"ffmpeg     {ffmpeg}, writes H.264" if ffmpeg else f"ffmpeg     {nothing}",
    ]
