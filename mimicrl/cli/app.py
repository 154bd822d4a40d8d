"""The command line: it collects the stages, and turns errors into one last line and an exit code.

Heavy imports stand inside the verbs, so that ``mimicrl --help`` answers at once.
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
    help="From a motion clip of a person walking to a simulated walker that walks like that.",
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
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Refuse to run a study's plugins.")] = False,
) -> None:
    """Take the options that stand before the verb; `main` reads them itself."""


def main() -> None:
    """Run the command line and exit."""
    # Before NumPy is imported: small matrix products are faster and the same bits on one thread.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    opengl.defer()
    # These two may stand anywhere; the verbs do not know them.
    arguments = [word for word in sys.argv[1:] if word not in {*_VERBOSE, _NO_PLUGINS}]
    if _NO_PLUGINS in sys.argv[1:]:
        from mimicrl.config import plugins

        os.environ[plugins.REFUSED] = "1"
    words = [word for word in arguments if not word.startswith("-")]
    verb = " ".join(words[: 2 if words[:1] == ["motion"] else 1])
    try:
        # What a verb returns is for callers in Python; only typer's own code, of a Ctrl-C, is meant here.
        if app(arguments, standalone_mode=False) == INTERRUPTED_BY_USER:
            raise KeyboardInterrupt
        code = 0
    except TyperException as error:  # wrong use of the command line
        if str(error):  # without any words typer has shown the help, and that is all there is to say
            _tell(f"mimicrl {verb}: {error.format_message()} — run mimicrl --help".replace("mimicrl :", "mimicrl:"))
        code = ConfigError.exit_code
    except KeyboardInterrupt:
        _tell(f"mimicrl {verb}: stopped by Ctrl-C")
        code = INTERRUPTED_BY_USER
    except Exception as error:
        code = _explain(error, verb)
    sys.exit(code)


def _explain(error: Exception, verb: str) -> int:
    """Tell the user what went wrong, the last line in the form of the contract; return the exit code."""
    if _VERBOSE & set(sys.argv[1:]):
        traceback.print_exception(error)
    if isinstance(error, OSError):  # not raised through an artifact: a place that cannot be read or written
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
