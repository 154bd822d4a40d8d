"""The benchmarks can be imported, and the page holds what the stored results give."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import pytest

from benchmarks import page, report
from benchmarks.report import Cell, Spread, Table

RECORDS = page.stored()
MODULES = sorted(file.stem for file in page.HERE.glob("*.py") if file.stem != "__init__")
TABLE = Table("Two rows", [{"what": "a", "s": Spread(1.0, 0.5, 2.0)}, {"what": "b", "s": None}])


@pytest.mark.parametrize("name", MODULES)
def test_every_module_can_be_imported(name: str) -> None:
    assert importlib.import_module(f"benchmarks.{name}").__doc__


@pytest.mark.parametrize("name", sorted({record.benchmark for record in RECORDS}))
def test_every_benchmark_of_a_stored_result_is_a_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        importlib.import_module(f"benchmarks.{name}").main()
    shown = capsys.readouterr().out
    assert f"python -m benchmarks.{name}" in shown
    assert "--quick" in shown
    assert "--json" in shown


def test_the_page_is_what_the_stored_results_give() -> None:
    assert (page.HERE / "README.md").read_text(encoding="utf-8") == page.page(RECORDS), "run make format"


def test_every_table_names_its_code_and_machine() -> None:
    assert all(record.commit for record in RECORDS)
    shown = page.page(RECORDS)
    for record in RECORDS:
        for table in record.tables:
            assert f"**{table.title}** ({record.origin()})" in shown


def test_the_plot_is_what_the_stored_results_give() -> None:
    plot = page.HERE.parent / "docs" / "performance.svg"
    assert plot.read_bytes() == page.plot(RECORDS), "run make format"


def test_a_published_result_comes_out_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    monkeypatch.setattr(sys, "argv", ["memory.py", "--quick", "--json", str(file), "--note", "shared"])
    report.publish([TABLE], argparse.Namespace(json=file, note="shared"))
    assert TABLE.markdown() in capsys.readouterr().out
    (record,) = page.stored(tmp_path)
    assert record.command == "python -m benchmarks.memory --quick"
    assert record.note == "shared"
    assert record.tables == [TABLE]
    assert "| a | 1 (0.5–2) |\n| b | – |" in page.page([record])


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (123.45, "123"), (12345.6, "12,346"), (7, "7"), (None, "–"), ("x", "x")]
)
def test_cells_have_as_many_digits_as_can_be_read(value: Cell, text: str) -> None:
    assert report.show(value) == text
