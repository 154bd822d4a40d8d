"""The base of all stages: how they write files and their provenance, and how they report errors of plugins."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar, get_args, get_type_hints

from mimicrl import artifacts, machine
from mimicrl.errors import MimicError

if TYPE_CHECKING:
    from mimicrl.runs import Run, Study

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")

Panel = Literal["A run", "A study", "The machine"]
PANELS: tuple[Panel, ...] = get_args(Panel)
"""Groups of verbs, in the order in which ``mimicrl --help`` shows them."""


class Work:
    """A running stage: its start time, the folder that it works for, and the files that it has written.

    Args:
        name: Name of the stage.

    Attributes:
        result: Findings of the stage that no other file contains. The provenance contains them.
    """

    def __init__(self, name: str) -> None:
        self._stage = self._name = name
        self._started = machine.now()
        self._folder: Run | Study | None = None
        self._threads: dict[str, int] = {}
        self._outputs: dict[str, str] = {}
        self._complete = False
        self.result: dict[str, Any] | None = None

    def sign_for(self, folder: Run | Study, name: str = "", **threads: int) -> None:
        """Ask for a provenance record. A stage that writes to a place that the user chose does not ask for one.

        Args:
            folder: The run or the study that the results belong to.
            name: Name of the record, by default the stage's.
            **threads: Threads of the stage's parts, such as ``physics``.
        """
        self._folder, self._name, self._threads = folder, name or self._stage, threads

    def write(self, path: Path, data: bytes) -> None:
        """Write an output atomically. If its content is unchanged, leave the file alone: no other step must run again.

        Raises:
            MachineError: The disk is full, or the place cannot be written.
        """
        artifacts.write_if_changed(path, data)
        self._note(path, artifacts.sha256(data))

    def wrote(self, *paths: Path) -> None:
        """Record outputs that other code has written for the stage."""
        for path in paths:
            self._note(path, artifacts.file_sha256(path))

    def complete(self, path: Path, data: bytes) -> None:
        """Write the last output, after the provenance. If this file exists, all other outputs exist; see `write`."""
        self._note(path, artifacts.sha256(data))
        self.sign()
        self._complete = True
        artifacts.write_if_changed(path, data)

    def sign(self) -> None:
        """Write the provenance of all outputs so far, if `sign_for` asked for it and `complete` has not written it."""
        if self._folder is None or self._complete:
            return
        from mimicrl.runs import provenance

        record = provenance.record(
            self._stage, self._started, outputs=self._outputs, result=self.result, **self._threads
        )
        record.write(self._folder.provenance_file(self._name))

    def _note(self, path: Path, sha256: str) -> None:
        assert not self._complete, f"{self._stage} wrote {path} after the file that says that it is done"
        folder = self._folder.path if self._folder else Path()
        self._outputs[str(path.relative_to(folder) if path.is_relative_to(folder) else path)] = sha256


@contextlib.contextmanager
def working(name: str) -> Iterator[Work]:
    """Run a stage, and write its provenance at the end.

    Yields:
        The object that the stage writes and records its outputs with.

    Raises:
        ConfigError: A plugin of the study failed. The error names file and line.
    """
    work = Work(name)
    try:
        yield work
    except MimicError:
        raise
    except Exception as error:
        from mimicrl.config import plugins

        if (blamed := plugins.blame(error)) is None:
            raise
        raise blamed from error
    work.sign()


def stage(
    panel: Panel,
) -> Callable[[Callable[Concatenate[Work, Arguments], Made]], Callable[Arguments, Made]]:
    """Turn a function, whose first argument is its `Work`, into a verb.

    Args:
        panel: The group in which ``mimicrl --help`` shows it.
    """

    def decorate(function: Callable[Concatenate[Work, Arguments], Made]) -> Callable[Arguments, Made]:
        @functools.wraps(function)
        def verb(*args: Arguments.args, **options: Arguments.kwargs) -> Made:
            with working(function.__name__) as work:
                return function(work, *args, **options)

        # Typer reads the types of the arguments. The return type is left out, as only type checkers may know it.
        signature = inspect.signature(function)
        given, *parameters = signature.parameters.values()
        names = function.__annotations__.keys() - {given.name, "return"}
        verb.__annotations__ = {name: function.__annotations__[name] for name in names}
        types = get_type_hints(verb, include_extras=True)
        parameters = [parameter.replace(annotation=types[parameter.name]) for parameter in parameters]
        verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        verb.panel = panel  # type: ignore[attr-defined]
        return verb

    return decorate
