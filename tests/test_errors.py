"""Errors: one line that answers what, where, got, expected and what to do, and an exit code each."""

from __future__ import annotations

import pickle

import pytest

from mimicrl import errors
from mimicrl.errors import ConfigError, MimicError, MotionError

EXIT_CODES = {
    "ConfigError": 2,
    "MotionError": 3,
    "WalkerError": 3,
    "ArtifactError": 3,
    "TrainingDiverged": 4,
    "MachineError": 5,
    "RunLocked": 6,
    "Interrupted": 75,
}


def test_a_full_message_answers_all_questions_in_one_line() -> None:
    error = MotionError("no such motion file", where="walk.txt", got="nothing", expected="a file", fix="check the path")
    assert str(error) == "no such motion file — walk.txt — got nothing, expected a file — check the path"


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({}, "it failed"),
        ({"where": "here"}, "it failed — here"),
        ({"got": 3}, "it failed — got 3"),
        ({"expected": 4}, "it failed — expected 4"),
        ({"fix": "try again"}, "it failed — try again"),
        ({"where": "here", "expected": (2, 3)}, "it failed — here — expected (2, 3)"),
        ({"got": 0}, "it failed — got 0"),
    ],
)
def test_questions_without_an_answer_leave_no_trace(details: dict[str, object], text: str) -> None:
    assert str(MimicError("it failed", **details)) == text  # type: ignore[arg-type]


def test_every_kind_of_error_has_the_exit_code_of_the_contract() -> None:
    kinds = {kind.__name__: kind.exit_code for kind in MimicError.__subclasses__()}
    assert kinds == EXIT_CODES
    assert MimicError.exit_code not in (0, *EXIT_CODES.values())


@pytest.mark.parametrize("name", EXIT_CODES)
def test_every_kind_of_error_is_caught_as_the_base(name: str) -> None:
    with pytest.raises(MimicError, match=r"^broken$"):
        raise getattr(errors, name)("broken")


def test_a_config_error_keeps_its_problems() -> None:
    error = ConfigError("2 errors", problems=("a.yaml:1 x", "a.yaml:2 y"), where="a.yaml")
    assert error.problems == ("a.yaml:1 x", "a.yaml:2 y")
    assert str(error) == "2 errors — a.yaml"
    assert ConfigError("one").problems == ()


def test_errors_survive_the_way_out_of_a_worker_process() -> None:
    # Vector environments in processes hand exceptions over by pickle.
    assert str(pickle.loads(pickle.dumps(MotionError("what", where="where", fix="fix")))) == "what — where — fix"
