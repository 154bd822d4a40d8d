"""The environment's page is the one its code makes."""

from __future__ import annotations

from pathlib import Path

from mimicrl.envs.page import environment_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "environment.md"


def test_committed_page_is_the_generated_one() -> None:
    assert PAGE.read_text(encoding="utf-8") == environment_page(), "run make format"
