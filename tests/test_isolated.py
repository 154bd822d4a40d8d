"""A function in a process of its own: what it returns comes back, and however it ends is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mimicrl import isolated
from mimicrl.errors import ConfigError, MotionError

FOR_EVER_S = 60.0
ARRAY = np.arange(6.0).reshape(2, 3)
# What the processes call, beside Python's own functions.
DEEDS = """
import os, resource, sys
import numpy as np
from mimicrl.errors import ConfigError, MotionError

def arrays():
    print("half a word")
    os.write(1, b"PK and a library's words")
    return [np.arange(6.0).reshape(2, 3), np.arange(6, dtype="int8")]

def motion_error():
    raise MotionError("too odd", where="Data{1}", got="é", expected="less", fix="mend it")

def config_error():
    raise ConfigError("many", problems=("one", "two"))

def two_lines():
    raise ValueError("a\\nb")

def an_object():
    return [np.array([object()])]

def a_class():
    return {"class": int}

def core():
    return resource.getrlimit(resource.RLIMIT_CORE)

def variables(*names):
    return [os.environ.get(name) for name in names]
"""


@pytest.fixture(autouse=True)
def _deeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deeds").mkdir()
    (tmp_path / "deeds" / "deeds.py").write_text(DEEDS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "deeds"), prepend=os.pathsep)


def run(function: str, *arguments: Any, seconds: float = FOR_EVER_S, **limits: Any) -> Any:
    return isolated.run(function, *arguments, seconds=seconds, **limits)


def failure(kind: type[isolated.NoResult], function: str, *arguments: Any, **limits: Any) -> str:
    """Return what is told of a function that does not return."""
    with pytest.raises(kind) as caught:
        run(function, *arguments, **limits)
    return str(caught.value)


def test_arrays_come_back_whatever_is_printed() -> None:
    for got, expected in zip(run("deeds:arrays"), [ARRAY, np.arange(6, dtype="int8")], strict=True):
        np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("value", [[], ["é\udcff \n'\""], [1, 0.1, None, [True, {"a": 2}]], {"value": {}}])
def test_json_arrives_and_comes_back(value: Any) -> None:
    assert run("copy:copy", value) == value


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("motion_error", MotionError("too odd", where="Data{1}", got="é", expected="less", fix="mend it")),
        ("config_error", ConfigError("many", problems=("one", "two"))),
    ],
)
def test_an_error_of_the_packages_own_comes_back_as_it_is(function: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        run(f"deeds:{function}")
    assert vars(caught.value) == vars(error)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        ("deeds:two_lines", [], "ValueError: a b"),
        ("deeds:an_object", [], "ValueError: Object arrays cannot be saved when allow_pickle=False"),
        ("deeds:a_class", [], "TypeError: Object of type type is not JSON serializable"),
        ("no_such_module:f", [], "ModuleNotFoundError: No module named 'no_such_module'"),
        ("sys:exit", [3], "the process ended with 3"),
        ("sys:exit", ["the last word"], "the last word"),
    ],
)
def test_any_other_end_is_told_in_one_line(function: str, arguments: list[Any], told: str) -> None:
    assert failure(isolated.Failed, function, *arguments) == told


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_is_told_with_its_signal(number: signal.Signals) -> None:
    assert failure(isolated.Crashed, "signal:raise_signal", number) == number.name


def test_one_that_takes_too_long_is_ended() -> None:
    assert failure(isolated.TimedOut, "time:sleep", 1000, seconds=0.4) == "no end within 0.4 s"


def test_more_memory_than_it_may_have_is_told() -> None:
    assert failure(isolated.OutOfMemory, "numpy:ones", 2**28, memory_bytes=2**31).startswith("Unable to allocate")


def test_it_dumps_no_core() -> None:
    assert run("deeds:core") == [0, 0]


def test_its_environment_is_ours_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("REMOVED", "1")
    changes = {"REMOVED": None, "ADDED": "2"}
    assert run("deeds:variables", "KEPT", "REMOVED", "ADDED", environment=changes) == ["1", None, "2"]
    assert os.environ["REMOVED"] == "1"


def test_it_ignores_the_folder_it_runs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('not the real one')")
    monkeypatch.chdir(tmp_path)
    assert run("math:sqrt", 4) == 2.0
