"""Fault points: each is one place in the code, a training passes all of them, and nothing happens unless asked for."""

from __future__ import annotations

import ast
import errno
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import mimicrl
from mimicrl import faultpoints
from mimicrl.faultpoints import GO, POINTS, VARIABLE, reach

PACKAGE = Path(mimicrl.__file__).parent
# Which file a point is in, by the first word of its name.
PLACES = {
    "file": {"artifacts.py"},
    "directory": {"artifacts.py"},
    "checkpoint": {"training/checkpoints/store.py"},
    "train": {"training/callbacks.py", "training/evaluation.py", "training/trainer.py"},
}


def calls(code: str) -> Iterator[str]:
    """What the code reaches; a name that is no plain text fails."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "reach":
            (name,) = node.args
            yield ast.literal_eval(name)


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faultpoints, "_reached", Counter())


def test_each_point_is_one_place_in_the_code_and_each_place_a_point() -> None:
    found: dict[str, list[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        for name in calls(file.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(str(file.relative_to(PACKAGE)))
    assert found.keys() == POINTS.keys()
    for name, (*places, last) in found.items():
        assert not places, name
        assert last in PLACES[name.partition(".")[0]], name


def test_a_training_passes_all_of_them(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from stage_calls import train

    passed: list[str] = []
    monkeypatch.setattr(faultpoints, "reach", passed.append)
    train(prepare(tmp_path / "run"), cores=1)
    assert set(passed) == POINTS.keys()
    save = passed[passed.index("directory.made") :]
    assert save[: save.index("checkpoint.pruned") + 1] == [
        "directory.made",
        "checkpoint.tensors",
        "checkpoint.state",
        "directory.written",
        "directory.synced",
        "directory.aside",
        "directory.renamed",
        "checkpoint.saved",
        "checkpoint.pruned",
    ]
    assert passed[: passed.index("directory.made")].count("file.made") >= 3, "first policy and note of the attempt"
    finish = passed[passed.index("train.finished") :]
    assert finish[1:5] == ["file.made", "file.written", "file.synced", "file.renamed"]
    assert finish.count("train.policy") == 1
    assert finish[-1] == "file.renamed"


@pytest.mark.parametrize("name", POINTS)
def test_without_the_variable_nothing_happens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    reach(name)


def test_a_point_acts_when_it_is_reached_and_no_other(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv(VARIABLE, "file.synced:raise")
    for name in POINTS:
        if name != "file.synced":
            reach(name)
    with pytest.raises(OSError, match="No space left on device") as caught:
        reach("file.synced")
    assert caught.value.errno == errno.ENOSPC
    assert capsys.readouterr().err == "MIMICRL_FAULT: raise at file.synced\n"
    reach("file.synced")  # once is enough


@pytest.mark.parametrize("count", [1, 2, 5])
def test_it_acts_the_time_that_was_asked_for(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv(VARIABLE, f"train.rollout:raise:{count}")
    for _ in range(count - 1):
        reach("train.rollout")
        reach("train.evaluated")
    with pytest.raises(OSError, match="No space left"):
        reach("train.rollout")


def test_a_kill_leaves_no_time_for_anything(tmp_path: Path) -> None:
    code = "from mimicrl.faultpoints import reach\ntry:\n    reach('file.made')\nfinally:\n    print('cleaned up')"
    done = subprocess.run([sys.executable, "-c", code], env={VARIABLE: "file.made:kill"}, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert (done.stdout, done.stderr) == (b"", b"MIMICRL_FAULT: kill at file.made\n")


def test_a_stall_waits_until_it_may_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "file.made:stall")
    monkeypatch.setenv(GO, str(tmp_path / "go"))
    thread = threading.Thread(target=reach, args=("file.made",), daemon=True)
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    (tmp_path / "go").touch()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            "file.maid:kill",
            r"^MIMICRL_FAULT: no such point 'file.maid', known: file.made, file.written, .*train.policy$",
        ),
        (":kill", r"^MIMICRL_FAULT: no such point '', known: "),
        ("file.made:explode", r"^MIMICRL_FAULT: no such action 'explode', known: kill, raise, stall$"),
    ],
)
def test_unknown_names_are_refused(monkeypatch: pytest.MonkeyPatch, wanted: str, told: str) -> None:
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(ValueError, match=told):
        reach("file.made")
