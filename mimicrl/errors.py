"""The errors that ``mimicrl`` reports to a user. Each class has its exit code.

A message is one line. It says what failed and, as far as this is known: where, what was found, what was expected, and
what to do. Exit codes are part of the command-line contract (see ``README.md``).
"""

from __future__ import annotations

from typing import ClassVar


class MimicError(Exception):
    """Base of all errors that are reported to the user without a traceback.

    Args:
        what: What failed, as a short clause.
        where: The file, key, joint or environment where the error occurred.
        got: What was found there.
        expected: What would have been right.
        fix: What the user can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, what: str, *, where: object = "", got: object = "", expected: object = "", fix: str = ""
    ) -> None:
        self.what = what
        self.where = str(where)
        self.got = str(got)
        self.expected = str(expected)
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        finding = ", ".join(
            f"{label} {text}" for label, text in (("got", self.got), ("expected", self.expected)) if text
        )
        return " — ".join(part for part in (self.what, self.where, finding, self.fix) if part)


class ConfigError(MimicError):
    """The configuration is wrong; nothing was started.

    Args:
        what: What failed.
        problems: One line for each problem, when a whole file was checked at once.
        **details: See `MimicError`.
    """

    exit_code = 2

    def __init__(self, what: str, *, problems: tuple[str, ...] = (), **details: object) -> None:
        self.problems = problems
        super().__init__(what, **details)  # type: ignore[arg-type]


class MotionError(MimicError):
    """A motion clip is missing, malformed or implausible."""

    exit_code = 3


class WalkerError(MimicError):
    """A walker cannot be used: its name, its MJCF or its ``walker.yaml`` is wrong."""

    exit_code = 3


class ArtifactError(MimicError):
    """A file of a run (policy, checkpoint, table) is missing, is damaged or belongs to another run."""

    exit_code = 3


class TrainingDiverged(MimicError):
    """Training met a non-finite number or a policy update far outside any healthy run."""

    exit_code = 4


class MachineError(MimicError):
    """The machine lacks something: disk space, a permission, OpenGL, a codec."""

    exit_code = 5


class RunLocked(MimicError):
    """Another process trains in this run directory, or writes its configuration."""

    exit_code = 6


class Interrupted(MimicError):
    """A signal stopped the command at a point where nothing is lost. Run the same command again to continue."""

    exit_code = 75


class InterruptedByUser(Interrupted):
    """The signal was Ctrl-C."""

    exit_code = 130


class WorkerDied(Interrupted):
    """A worker process died. Run the training again: it continues from its last checkpoint."""
