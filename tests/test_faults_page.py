"""The page of faults holds what the markers of the tests say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_what_the_markers_give(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    done = subprocess.run([sys.executable, ROOT / ".ci" / "faults_page.py", page], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert page.read_text(encoding="utf-8") == (ROOT / "docs" / "faults.md").read_text(encoding="utf-8"), "make format"
