"""Run a function in a Python process of its own, with limits of memory and time.

For what may crash, hang or ask for any amount of memory: libraries that read foreign files, drivers. Arguments go there
as JSON; the result comes back as JSON and arrays without objects, so that nothing that comes from there can run here.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import Any

import numpy as np

from mimicrl import errors

_ARRAY = "array of the result"


class NoResult(Exception):
    """The function did not return."""


class TimedOut(NoResult):
    """It took longer than it may."""


class OutOfMemory(NoResult):
    """It asked for more memory than it may have."""


class Failed(NoResult):
    """It raised an exception, which the text names, or ended its process."""


class Crashed(NoResult):
    """A signal, which the text names, ended its process."""


def run(
    function: str,
    *arguments: Any,
    seconds: float,
    memory_bytes: int | None = None,
    environment: Mapping[str, str | None] | None = None,
) -> Any:
    """Call a function in a new process and return what it returns.

    Args:
        function: Its name, ``package.module:function``.
        *arguments: Its arguments, of JSON's types.
        seconds: How long it may take, with the start of the process and its imports.
        memory_bytes: How much memory the process may map, where the system can limit that.
        environment: Environment variables to change there; None removes one.

    Returns:
        Dictionaries, lists, strings, numbers and arrays, in any composition.

    Raises:
        MimicError: What the function raised, of the same class and with the same fields.
        NoResult: One of its subclasses says why.
    """
    # -P: modules are not taken from the current folder, where anything may lie.
    command = [sys.executable, "-P", "-m", "mimicrl.isolated", function, *map(json.dumps, (arguments, memory_bytes))]
    # Each thread of a library would take its share of the memory.
    variables = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | dict(environment or {})
    try:
        done = subprocess.run(
            command,
            env={name: value for name, value in variables.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOut(f"no end within {seconds:g} s") from error
    if done.returncode < 0:
        raise Crashed(signal.Signals(-done.returncode).name)
    if done.returncode or not done.stdout:
        words = done.stderr.decode(errors="replace").strip()
        raise Failed(words.splitlines()[-1] if words else f"the process ended with {done.returncode}")
    return _result(_decode(done.stdout))


def _result(document: dict[str, Any]) -> Any:
    """Return the result, or raise what was raised there."""
    match document:
        case {"error": name, "fields": fields}:
            lists = {field: tuple(value) for field, value in fields.items() if isinstance(value, list)}
            raise getattr(errors, name)(**fields | lists)
        case {"memory": text}:
            raise OutOfMemory(text)
        case {"failed": text}:
            raise Failed(text)
    return document["value"]


def _encode(document: dict[str, Any]) -> bytes:
    arrays: list[np.ndarray] = []

    def put(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray):
            raise TypeError(f"a {type(value).__name__} cannot leave its process")
        arrays.append(value)
        return {_ARRAY: f"arr_{len(arrays) - 1}"}  # as `savez` names it

    text = json.dumps(document, default=put).encode()
    stream = io.BytesIO()
    np.savez(stream, *arrays, document=np.frombuffer(text, np.uint8), allow_pickle=False)
    return stream.getvalue()


def _decode(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return json.loads(
            arrays["document"].tobytes(),
            object_hook=lambda found: arrays[found[_ARRAY]] if found.keys() == {_ARRAY} else found,
        )


def _call(function: str, arguments: list[Any]) -> bytes:
    """Call a function; return what becomes of it, encoded."""
    module, _, name = function.partition(":")
    try:
        return _encode({"value": getattr(importlib.import_module(module), name)(*arguments)})
    except errors.MimicError as error:
        return _encode({"error": type(error).__name__, "fields": vars(error)})
    except MemoryError as error:
        return _encode({"memory": str(error)})
    except Exception as error:
        return _encode({"failed": " ".join("".join(traceback.format_exception_only(error)).split())})


def _limit(memory_bytes: int | None) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # not every system has these limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _main() -> None:
    function, arguments, memory_bytes = sys.argv[1:]
    # What the function prints must not come between: it goes where warnings go.
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(json.loads(memory_bytes))
    with result:
        result.write(_call(function, json.loads(arguments)))


if __name__ == "__main__":
    _main()
