"""The benchmarks are no part of the installed package: they are found in the project's folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from snakemake_calls import ROOT

sys.path.insert(0, str(ROOT))


class Told(NamedTuple):
    """What a benchmark printed, and the tables that it wrote."""

    text: str
    tables: list[dict[str, Any]]

    def figures(self) -> list[float]:
        """All numbers of all tables, of a spread its median."""
        values = [value for table in self.tables for row in table["rows"] for value in row.values()]
        medians = [value["median"] if isinstance(value, dict) else value for value in values]
        return [float(value) for value in medians if isinstance(value, int | float)]


@pytest.fixture
def quick(tmp_path: Path) -> Any:
    """Runs the short version of a benchmark by name."""

    def run(name: str) -> Told:
        file = tmp_path / "figures.json"
        command = [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json", str(file)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return Told(done.stdout, json.loads(file.read_text())["tables"])

    return run
