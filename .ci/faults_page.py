"""Write the page of faults: ``python .ci/faults_page.py PAGE``.

The faults come from ``tests/faults/faults.yaml``, and their tests from the markers ``@pytest.mark.fault(N, …)`` in the
source of the tests. Nothing is imported or collected, so the tests of other machines are on the page, too.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

import yaml

TESTS = Path(__file__).parents[1] / "tests"
INTRODUCTION = """# What can go wrong, and what happens then

`make format` makes this page from `tests/faults/faults.yaml` and the markers of the tests; do not edit it.

All rows rely on this promise: **the same command continues, and a training ends with the same bits as an undisturbed
one**, on the same type of processor and with the same versions of the program and the libraries. After any error the
last two valid checkpoints, the history up to these checkpoints, and all inputs are there. (After `kill -9` or a crash,
Snakemake must be unlocked first: see row 43.)

The last column names the tests that cause the fault, as paths below `tests/`. Faults marked *open* have not been
examined completely. Some of them already have tests. `make soak` kills trainings at random for an hour;
[benchmarks/README.md](../benchmarks/README.md#what-random-kills-cost-a-training) shows the last stored result.

| # | fault | what happens | tests |
| --- | --- | --- | --- |
"""


def marked(tests: Path) -> dict[int, list[str]]:
    """Return the tests of each fault, as ``FILE::NAME``, in the order of their paths."""
    found: dict[int, list[str]] = defaultdict(list)
    for file in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    for number in mark.args:
                        found[ast.literal_eval(number)].append(f"{file.relative_to(tests).as_posix()}::{node.name}")
    return found


def page(tests: Path = TESTS) -> str:
    """Return the page as Markdown.

    Raises:
        SystemExit: A marker names a fault that is not in the list, or a fault that is answered has no test.
    """
    faults = yaml.safe_load((tests / "faults" / "faults.yaml").read_text(encoding="utf-8"))
    found = marked(tests)
    problems = [
        f"fault {number} is not in faults.yaml, got {names[0]}"
        for number, names in found.items()
        if number not in faults
    ]
    problems += [
        f"fault {number} is answered, but no test has @pytest.mark.fault({number}): mark one, or remove `happens`"
        for number, fault in faults.items()
        if "happens" in fault and number not in found
    ]
    if problems:
        raise SystemExit("\n".join(problems))
    rows = []
    for number, fault in faults.items():
        names = ", ".join(f"`{name}`" for name in found[number])
        rows.append(f"| {number} | {fault['fault']} | {fault.get('happens', '*open*')} | {names} |")
    return INTRODUCTION + "\n".join(rows) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
