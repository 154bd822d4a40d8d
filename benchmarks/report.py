"""How the benchmarks tell: a line about the machine, Markdown tables, the figures as JSON."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mimicrl import artifacts, machine


def show(value: Any) -> str:
    """Return a table's cell; of a number three digits, and all of one that is larger."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return "–" if value is None else str(value)


@dataclass(frozen=True)
class Table:
    """A table of a benchmark.

    Attributes:
        title: A line above it.
        rows: The same columns each, by name: a number, a `benchmarks.paired.Spread`, a text, or None for nothing.
    """

    title: str
    rows: list[dict[str, Any]]

    def markdown(self) -> str:
        """Return it as Markdown."""
        columns = list(self.rows[0])
        lines = [columns, ["---"] * len(columns), *([show(row[name]) for name in columns] for row in self.rows)]
        return "\n".join([self.title, "", *(f"| {' | '.join(cells)} |" for cells in lines)])


def about() -> dict[str, Any]:
    """Return what the figures depend on: processor, other work on it, versions."""
    cpu = machine.cpu()
    return {
        "cpu": cpu["model"],
        "cores": cpu["cores"],
        "graphics_cards": machine.graphics_cards(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": machine.versions(),
    }


def header(facts: dict[str, Any]) -> str:
    """Return what `about` found as a line."""
    versions = {"Python": facts["python"], **facts["versions"]}
    cards = "".join(f"{card}, " for card in facts["graphics_cards"])
    return f"{facts['cpu']}, {facts['cores']} cores, {cards}load before {facts['load_before']:.2f}; " + ", ".join(
        f"{name} {version}" for name, version in versions.items()
    )


def parser(description: str | None, quick: str) -> argparse.ArgumentParser:
    """Return a parser of the command line that all benchmarks have: ``--quick`` and ``--json FILE``.

    Args:
        description: The benchmark's docstring.
        quick: What it leaves out then.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there too")
    return parser


def arguments(description: str | None, quick: str) -> argparse.Namespace:
    """Parse that command line."""
    return parser(description, quick).parse_args()


def publish(tables: Iterable[Table], file: Path | None = None) -> None:
    """Print tables as they come, below a line about the machine.

    Args:
        tables: The tables.
        file: Takes the figures as JSON, with median, low and high for each spread.
    """
    begin, facts = time.perf_counter(), about()
    print(header(facts), flush=True)
    told = []
    for table in tables:
        print(f"\n{table.markdown()}", flush=True)
        told.append(asdict(table))
    seconds = time.perf_counter() - begin
    print(f"\n{Path(sys.argv[0]).stem} took {seconds:.0f} s")
    if file is not None:
        artifacts.write_json(file, {"machine": facts, "seconds": round(seconds, 1), "tables": told})
