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
# What the processes call, beside Python's own functions.
DEEDS = """
import os, resource, sys
import numpy as np
from mimicrl.errors import ConfigError, MotionError

def everything():
    print("half a word")
    os.write(1, b"PK and a library's words")
    array = np.arange(6.0).reshape(2, 3)
    return {"text": "é", "rows": [array, array.astype(np.int8)], "number": np.float64(0.1), "empty": {}, "none": None}

def motion_error():
    raise MotionError("too odd", where="Data{1}", got="é", expected="less", fix="mend it")

def config_error():
    raise ConfigError("many", problems=("one", "two"))

def two_lines():
    raise ValueError("a\\nb")

def an_object():
    return np.array([object()])

def a_class():
    return {"class": int}

def core():
    return resource.getrlimit(resource.RLIMIT_CORE)

def variable(name):
    return os.environ.get(name)
"""


@pytest.fixture(autouse=True)
def _deeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deeds").mkdir()
    (tmp_path / "deeds" / "deeds.py").write_text(DEEDS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "deeds"))


def run(function: str, *arguments: Any, seconds: float = FOR_EVER_S, **limits: Any) -> Any:
    return isolated.run(function, *arguments, seconds=seconds, **limits)


def test_what_it_returns_comes_back_whatever_it_prints() -> None:
    found = run("deeds:everything")
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(found["rows"][0], array, strict=True)
    np.testing.assert_array_equal(found["rows"][1], array.astype(np.int8), strict=True)
    assert (found["text"], found["number"], found["empty"], found["none"]) == ("é", 0.1, {}, None)


@pytest.mark.parametrize("arguments", [[], ["é\udcff \n'\""], [1, 0.1, None, [True, {"a": 2}]]])
def test_arguments_arrive(arguments: list[Any]) -> None:
    assert run("builtins:list", arguments) == arguments


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
    ("function", "told"),
    [
        ("deeds:two_lines", "ValueError: a b"),
        ("deeds:an_object", "ValueError: Object arrays cannot be saved when allow_pickle=False"),
        ("deeds:a_class", "TypeError: a type cannot leave its process"),
        ("no_such_module:f", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_another_exception_is_told_in_one_line(function: str, told: str) -> None:
    with pytest.raises(isolated.Failed) as caught:
        run(function)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("code", "told"),
    [(3, "the process ended with 3"), ("the last word", "the last word")],
)
def test_one_that_leaves_is_told(code: object, told: str) -> None:
    with pytest.raises(isolated.Failed) as caught:
        run("sys:exit", code)
    assert str(caught.value) == told


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_a_crash_is_told_with_its_signal(number: signal.Signals) -> None:
    with pytest.raises(isolated.Crashed) as caught:
        run("signal:raise_signal", number)
    assert str(caught.value) == number.name


def test_one_that_takes_too_long_is_ended() -> None:
    with pytest.raises(isolated.TimedOut) as caught:
        run("time:sleep", 1000, seconds=0.4)
    assert str(caught.value) == "no end within 0.4 s"


def test_more_memory_than_it_may_have_is_told() -> None:
    with pytest.raises(isolated.OutOfMemory):
        run("numpy:ones", 2**28, memory_bytes=2**31)
    assert len(run("numpy:ones", 2**20, memory_bytes=2**31)) == 2**20


def test_it_dumps_no_core() -> None:
    assert run("deeds:core") == [0, 0]


def test_its_environment_is_ours_with_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("REMOVED", "1")
    changes = {"REMOVED": None, "ADDED": "2"}
    found = [run("deeds:variable", name, environment=changes) for name in ("KEPT", "REMOVED", "ADDED")]
    assert found == ["1", None, "2"]
    assert os.environ["REMOVED"] == "1"


def test_it_ignores_the_folder_it_runs_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('not the real one')")
    monkeypatch.chdir(tmp_path)
    assert run("math:sqrt", 4) == 2.0
