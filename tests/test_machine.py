"""Facts about this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mimicrl import machine


def test_peak_memory_never_falls_and_sees_what_was_taken() -> None:
    before = machine.peak_memory_mb()
    taken = b"x" * ((before + 50) * 1_000_000)
    after = machine.peak_memory_mb()
    assert after >= before + 50
    assert len(taken) > 0
    del taken
    assert machine.peak_memory_mb() >= after


def test_graphics_cards_are_the_drivers(tmp_path: Path) -> None:
    assert machine.graphics_cards(tmp_path) == []
    for number, model in enumerate(("NVIDIA L4", "NVIDIA H100")):
        (tmp_path / "gpus" / f"0000:0{number}:00.0").mkdir(parents=True)
        information = f"Model: \t\t {model}\nIRQ:   \t\t 42\n"
        (tmp_path / "gpus" / f"0000:0{number}:00.0" / "information").write_text(information, encoding="utf-8")
    assert machine.graphics_cards(tmp_path) == ["NVIDIA L4", "NVIDIA H100"]


def test_times_are_utc_and_sort_as_text() -> None:
    moment = datetime.fromisoformat(machine.now())
    assert moment.utcoffset() is not None
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


def test_packages_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_PACKAGES", ("no-such-package",))
    assert machine.versions() == {"no-such-package": "none"}
