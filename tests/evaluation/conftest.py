"""What tests of videos share."""

from __future__ import annotations

import pytest

from mimicrl.rendering import film


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The captions of the pictures that are drawn."""
    captions: list[tuple[str, ...]] = []
    real = film.caption.write
    monkeypatch.setattr(film.caption, "write", lambda frame, lines: (captions.append(lines), real(frame, lines))[1])
    return captions
