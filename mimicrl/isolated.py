"""Run a function in a Python process of its own, with limits of memory and time.

This is for what may crash, hang or ask for any amount of memory: libraries that read foreign files, and drivers.
Arguments go there as JSON. The result comes back as JSON or as arrays without objects, so nothing that comes from there
can run here.
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
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mimicrl import errors


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
        seconds: How long it may take, the start of the process and its imports included.
        memory_bytes: How much memory the process may map, where the system can limit that.
        environment: Environment variables to change there; None removes one.

    Returns:
        A value of JSON's types, or a list of arrays.

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
    return _unpack(done.stdout)


def _unpack(content: bytes) -> Any:
    """Return the result that the process wrote, or raise what the function raised there."""
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        match json.loads(str(packed["document"])):
            case {"error": name, "fields": fields}:
                lists = {field: tuple(value) for field, value in fields.items() if isinstance(value, list)}
                raise getattr(errors, name)(**fields | lists)
            case {"memory": text}:
                raise OutOfMemory(text)
            case {"failed": text}:
                raise Failed(text)
            case {"arrays": count}:
                return [packed[f"arr_{index}"] for index in range(count)]  # as `savez` names them
            case document:
                return document["value"]


def _pack(document: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, *arrays, document=np.array(json.dumps(document)), allow_pickle=False)
    return stream.getvalue()


def _call(function: str, arguments: list[Any]) -> bytes:
    """Call a function; return its result or what it raised, packed."""
    module, _, name = function.partition(":")
    try:
        value = getattr(importlib.import_module(module), name)(*arguments)
        if isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value):
            return _pack({"arrays": len(value)}, value)
        return _pack({"value": value})
    except errors.MimicError as error:
        return _pack({"error": type(error).__name__, "fields": vars(error)})
    except MemoryError as error:
        return _pack({"memory": str(error)})
    except Exception as error:
        return _pack({"failed": " ".join(f"{type(error).__name__}: {error}".split())})


def _main() -> None:
    function, arguments, memory_bytes = sys.argv[1], *map(json.loads, sys.argv[2:])
    # What the function prints must not get into the result: it goes where warnings go.
    result = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(ImportError, OSError, ValueError):  # not every system has these limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with result:
        result.write(_call(function, arguments))


if __name__ == "__main__":
    _main()
