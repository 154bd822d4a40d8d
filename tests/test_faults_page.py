"""The page of faults names tests that are there, and leaves no row out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "faults.md").read_text(encoding="utf-8")
ANSWERED = {*range(1, 19), *range(31, 34), 35, *range(37, 47), 49, *range(51, 55)}
ROWS = {int(row[0]): row[1:] for row in re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| ?(.*?) \|$", PAGE, re.MULTILINE)}


def names_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_fault_has_its_row() -> None:
    assert list(ROWS) == list(range(1, 56))
    assert len(re.findall(r"^\| \d", PAGE, re.MULTILINE)) == len(ROWS)


@pytest.mark.parametrize("number", range(1, 56))
def test_a_row_names_tests_that_exist_or_is_open(number: int) -> None:
    _, happens, tests = ROWS[number]
    named = re.findall(r"`([a-z0-9_/]+\.py)::(\w+)`", tests)
    assert tests == ", ".join(f"`{file}::{name}`" for file, name in named)
    if number not in ANSWERED:
        assert happens == "*open*" and not named
        return
    assert happens != "*open*" and named
    for file, name in named:
        assert name in names_in(TESTS / file), f"{file} has no {name}"
