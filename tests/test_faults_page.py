"""The page of faults holds what the markers of the tests say."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = runpy.run_path(str(ROOT / ".ci" / "faults_page.py"))["page"]


def test_the_page_is_what_the_markers_give() -> None:
    assert (ROOT / "docs" / "faults.md").read_text(encoding="utf-8") == PAGE(), "run make format"


@pytest.mark.parametrize(
    ("number", "problem"),
    [(1, "fault 2 is answered, but no test has @pytest.mark.fault(2)"), (3, "fault 3 is not in faults.yaml, got ")],
)
def test_a_fault_without_a_test_and_a_test_without_a_fault_are_refused(
    tmp_path: Path, number: int, problem: str
) -> None:
    (tmp_path / "faults").mkdir()
    (tmp_path / "faults" / "faults.yaml").write_text("1: {fault: cut}\n2: {fault: full, happens: exit 5}\n")
    (tmp_path / "test_it.py").write_text(f"@pytest.mark.fault({number})\ndef test_it() -> None: ...\n")
    with pytest.raises(SystemExit) as caught:
        PAGE(tmp_path)
    assert problem in str(caught.value)
