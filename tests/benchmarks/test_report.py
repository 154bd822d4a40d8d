from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.paired import Spread
from benchmarks.report import Table

TABLE = Table("Two rows", [{"what": "a", "s": Spread(1.0, 0.5, 2.0)}, {"what": "b", "s": None}])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (12.345, "12.3"),
        (123.45, "123"),
        (12345.6, "12,346"),
        (7, "7"),
        (0.0, "0"),
        (-0.5, "-0.5"),
        (None, "–"),
        ("text", "text"),
    ],
)
def test_cells_show_what_can_be_read(value: object, text: str) -> None:
    assert report.show(value) == text


def test_a_table_is_markdown() -> None:
    assert TABLE.markdown().splitlines() == [
        "Two rows",
        "",
        "| what | s |",
        "| --- | --- |",
        "| a | 1 (0.5–2) |",
        "| b | – |",
    ]


def test_tables_are_printed_as_they_come_and_kept_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = []

    def tables():
        yield TABLE
        printed.append(capsys.readouterr().out)
        yield Table("Another", [{"n": 1}])

    report.publish(tables(), tmp_path / "figures.json")
    assert TABLE.markdown() in printed[0] and "cores, load before" in printed[0].splitlines()[0]
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert kept["tables"][0]["rows"][0] == {"what": "a", "s": {"median": 1.0, "low": 0.5, "high": 2.0}}
    assert kept["tables"][1] == {"title": "Another", "rows": [{"n": 1}]}
    assert kept["machine"]["versions"]["mujoco"]


BENCHMARKS = ["stepping", "training", "learning", "rendering", "pipeline", "memory", "soak", "scaling"]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_says_what_it_does_and_takes_quick_and_json(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        importlib.import_module(f"benchmarks.{name}").main()
    told = capsys.readouterr().out
    assert f"python -m benchmarks.{name}" in told and "--quick" in told and "--json" in told
