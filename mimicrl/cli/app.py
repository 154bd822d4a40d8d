"""The command line. It collects the stages, prints an error as one last line, and sets the exit code.

Slow imports are inside the verbs, so that ``mimicrl --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer
from typer.exceptions import TyperException

from mimicrl import stages
from mimicrl.cli import motion
from mimicrl.errors import ConfigError, MachineError, MimicError
from mimicrl.rendering import opengl

app = typer.Typer(
    name="mimicrl",
    help="Turn a motion clip of a walking person into a simulated walker that walks in the same way.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # in the other mode, rich drops units such as [m/s]
)
for panel, verb in stages.verbs():
    app.command(rich_help_panel=panel)(verb)
app.add_typer(motion.app, name="motion", rich_help_panel="Motions")

_VERBOSE = {"-v", "--verbose"}
_NO_PLUGINS = "--no-plugins"
INTERRUPTED_BY_USER = 130
UNEXPECTED = 1


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks of errors.")] = False,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Do not run plugins; refuse a study that has any.")
    ] = False,
) -> None:
    """Declare the options of all verbs for the help; `main` reads the options itself."""


def main() -> None:
    """Run the command line and exit."""
    # Set before NumPy is imported. Small matrix products are faster on one thread, and give the same bits.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    opengl.defer()
    # These two options may be anywhere on the command line. The verbs do not know them.
    arguments = [word for word in sys.argv[1:] if word not in {*_VERBOSE, _NO_PLUGINS}]
    if _NO_PLUGINS in sys.argv[1:]:
        from mimicrl.config import plugins

        os.environ[plugins.REFUSED] = "1"
    words = [word for word in arguments if not word.startswith("-")]
    verb = " ".join(words[: 2 if words[:1] == ["motion"] else 1])
    try:
        # The result of a verb is for callers in Python. Only typer's own exit code after a Ctrl-C matters here.
        if app(arguments, standalone_mode=False) == INTERRUPTED_BY_USER:
            raise KeyboardInterrupt
        code = 0
    except TyperException as error:  # wrong use of the command line
        if str(error):  # without a message, typer has already shown the help
            _tell(f"mimicrl {verb}: {error.format_message()} — run mimicrl --help".replace("mimicrl :", "mimicrl:"))
        code = ConfigError.exit_code
    except KeyboardInterrupt:
        _tell(f"mimicrl {verb}: stopped by Ctrl-C")
        code = INTERRUPTED_BY_USER
    except Exception as error:
        code = _explain(error, verb)
    sys.exit(code)


def _explain(error: Exception, verb: str) -> int:
    """Tell the user what went wrong, and return the exit code. The last line has the form of `MimicError`'s message."""
    if _VERBOSE & set(sys.argv[1:]):
        traceback.print_exception(error)
    if isinstance(error, OSError):  # an error of the operating system that no code of ours translated
        error = MachineError(
            "a file cannot be used",
            where=error.filename or verb,
            got=error.strerror or error,
            fix="check the path, its permissions and the space on the disk",
        )
    if not isinstance(error, MimicError):
        kind = type(error).__name__
        _tell(f"mimicrl {verb}: unexpected {kind} — {error} — run mimicrl -v {verb} … and report it")
        return UNEXPECTED
    for problem in getattr(error, "problems", ()):
        _tell(problem)
    _tell(f"mimicrl {verb}: {error}")
    return error.exit_code


def _tell(text: str) -> None:
    typer.echo(" ".join(text.split("\n")), err=True)
