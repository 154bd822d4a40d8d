"""How benchmarks publish results: Markdown tables on the terminal, and a JSON file that `benchmarks.page` reads."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mimicrl import artifacts, machine
from mimicrl.runs import provenance


@dataclass(frozen=True)
class Spread:
    """A quantity over several rounds.

    Attributes:
        median: Its median.
        low: Its smallest value.
        high: Its largest value.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Return the median and the range of at least one value."""
        values = list(values)
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        median, low, high = map(show, (self.median, self.low, self.high))
        return median if low == high else f"{median} ({low}–{high})"


Cell = int | float | str | Spread | None


def show(value: Cell) -> str:
    """Return a table's cell: a number has three digits, a larger number all digits of its integer part."""
    if isinstance(value, int | float):
        return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return "–" if value is None else str(value)


@dataclass(frozen=True)
class Table:
    """One table of a benchmark.

    Attributes:
        title: The line above the table.
        rows: One dict per row, from the column's name to its cell. All rows have the same columns.
    """

    title: str
    rows: list[dict[str, Cell]]

    def markdown(self) -> str:
        """Return the table as Markdown, without its title."""
        columns = list(self.rows[0])
        lines = [columns, ["---"] * len(columns), *([show(row[name]) for name in columns] for row in self.rows)]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


class Machine(BaseModel):
    """The machine that a benchmark ran on, as far as it is known.

    Attributes:
        cpu: Model of the processor.
        cores: Cores that the benchmark could use.
        graphics_cards: Models of the graphics cards.
        load_before: Load average over one minute, before the benchmark began.
        versions: Versions of Python and of the packages.
    """

    model_config = ConfigDict(extra="forbid")

    cpu: str
    cores: int
    graphics_cards: list[str] = []
    load_before: float | None = None
    versions: dict[str, str] = {}

    def __str__(self) -> str:
        load = [] if self.load_before is None else [f"load before {self.load_before:.2f}"]
        return ", ".join([self.cpu, f"{self.cores} cores", *self.graphics_cards, *load])


class Record(BaseModel):
    """The stored result of one benchmark.

    Attributes:
        benchmark: Name of the benchmark's module.
        command: The command line that made the result.
        date: The day, ISO 8601.
        commit: The commit of the code, None outside a checkout.
        dirty: Whether the package differed from that commit.
        machine: The machine.
        note: What else a reader has to know.
        transcribed: Where the numbers come from, if no benchmark wrote them.
        seconds: How long the benchmark took.
        tables: Its tables.
    """

    model_config = ConfigDict(extra="forbid")

    benchmark: str
    command: str
    date: str
    commit: str | None
    dirty: bool | None = False
    machine: Machine
    note: str = ""
    transcribed: str = ""
    seconds: float | None = None
    tables: list[Table] = []

    def origin(self) -> str:
        """Return the code and the machine that the numbers come from, for the line above each table."""
        commit = f"commit {self.commit[:7]}" if self.commit else "commit unknown"
        return f"{commit}{' with local changes' if self.dirty else ''}, {self.machine}"

    def about(self) -> str:
        """Return commit, machine and versions in one line."""
        return "; ".join([self.origin(), *(f"{name} {version}" for name, version in self.machine.versions.items())])


def parser(description: str | None, quick: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all benchmarks have: ``--quick``, ``--json FILE`` and ``--note TEXT``.

    Args:
        description: The benchmark's docstring.
        quick: What ``--quick`` leaves out.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the result to this file")
    parser.add_argument("--note", metavar="TEXT", default="", help="a remark for the file, such as: shared machine")
    return parser


def publish(tables: Iterable[Table], arguments: argparse.Namespace) -> None:
    """Print tables as soon as they are made, and write them to the file of ``--json``.

    Args:
        tables: The tables.
        arguments: The parsed command line.
    """
    begin, record = time.perf_counter(), _record(arguments.note)
    print(record.about(), flush=True)
    for table in tables:
        print(f"\n{table.title}\n\n{table.markdown()}", flush=True)
        record.tables.append(table)
    record.seconds = round(time.perf_counter() - begin, 1)
    print(f"\n{record.benchmark} took {record.seconds:.0f} s")
    if arguments.json is not None:
        artifacts.write_json(arguments.json, record.model_dump())


def _record(note: str) -> Record:
    """Return the result that the benchmark on the command line begins, without tables."""
    facts, words = provenance.record("benchmark", machine.now()), sys.argv[1:]
    for option in {"--json", "--note"}.intersection(words):
        index = words.index(option)
        del words[index : index + 2]
    name = Path(sys.argv[0]).stem
    return Record(
        benchmark=name,
        command=" ".join(["python -m", f"benchmarks.{name}", *words]),
        date=facts.started[:10],
        commit=facts.code.commit,
        dirty=facts.code.dirty,
        machine=Machine(
            cpu=facts.cpu.model,
            cores=facts.cpu.cores,
            graphics_cards=facts.graphics_cards,
            load_before=round(os.getloadavg()[0], 2),
            versions={"python": facts.python, **facts.versions},
        ),
        note=note,
    )
