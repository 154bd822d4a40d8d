"""Write the page of all stored results: ``python -m benchmarks.page``.

Reads each ``benchmarks/results/*.json``, which a benchmark wrote with ``--json``. Writes ``benchmarks/README.md`` and
the plot ``docs/performance.svg``. The explanation of a benchmark is its module's docstring.
"""

from __future__ import annotations

import ast
import io
from pathlib import Path

from benchmarks.report import Record, Table, show

HERE = Path(__file__).parent
RESULTS = HERE / "results"
INTRODUCTION = """# Benchmarks

Made from the stored results (`benchmarks/results/*.json`) by `make format`; do not edit.
[docs/performance.md](../docs/performance.md) is the summary.

A benchmark is one command. It prints tables; with `--json FILE` it also stores them:

    .venv/bin/python -m benchmarks.scaling --json benchmarks/results/scaling-mine.json
    make format

`--quick` gives a short version, and `make bench` runs the short versions of most benchmarks. If a benchmark compares
several programs, they run alternately, round by round (`benchmarks/paired.py`). Each ratio is computed within one
round. A cell shows the median of all rounds, and the range in brackets. A dash means that the value was not measured.
"""


def stored(folder: Path = RESULTS) -> list[Record]:
    """Return the stored results of a folder, sorted by benchmark and file.

    Raises:
        pydantic.ValidationError: A file is no result of a benchmark.
    """
    records = [Record.model_validate_json(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    return sorted(records, key=lambda record: record.benchmark)


def page(records: list[Record]) -> str:
    """Return the page as Markdown."""
    parts, benchmark = [INTRODUCTION], ""
    for record in records:
        if record.benchmark != benchmark:
            benchmark = record.benchmark
            parts.append(_explanation(benchmark))
        parts.append(_about(record))
        parts += [f"**{table.title}** ({record.origin()})\n\n{table.markdown()}\n" for table in record.tables]
    return "\n".join(parts)


def _about(record: Record) -> str:
    """Return a heading for a record, and a list of what is known of it."""
    versions = ", ".join(f"{name} {version}" for name, version in record.machine.versions.items())
    took = f", took {record.seconds:,.0f} s" if record.seconds else ""
    points = [f"`{record.command}`{took}", versions, record.note, record.transcribed]
    lines = [f"### {record.machine.cpu}, {record.date}", "", *(f"* {point}" for point in points if point)]
    return "\n".join(lines) + "\n"


def _explanation(benchmark: str) -> str:
    """Return a heading and the text of a benchmark's docstring."""
    tree = ast.parse((HERE / f"{benchmark}.py").read_text(encoding="utf-8"))
    first, text = (ast.get_docstring(tree) or "").split("\n\n", 1)
    return f"## {first.split(': ``')[0]}\n\n`benchmarks/{benchmark}.py`\n\n{text}\n".replace("``", "`")


def find(records: list[Record], *columns: str) -> tuple[Record, Table]:
    """Return the newest table that has some columns and is not of a short version, and its record.

    Raises:
        LookupError: No stored table has them.
    """
    whole = [record for record in records if "--quick" not in record.command]
    for record in sorted(whole, key=lambda record: record.date, reverse=True):
        for table in record.tables:
            if set(columns) <= table.rows[0].keys():
                return record, table
    raise LookupError(f"no stored table has the columns {', '.join(columns)}")


def plot(records: list[Record]) -> bytes:
    """Return an SVG: the parts of a sample's time for two settings, and an update's time by the networks' width."""
    from matplotlib import style
    from matplotlib.figure import Figure

    record, parts = find(records, "setting", "rollout", "of which stepping", "update")
    _, products = find(records, "networks", "cores", "update, µs per sample")
    with style.context(["default", {"svg.hashsalt": "mimicrl", "svg.fonttype": "none", "font.size": 9}]):
        figure = Figure(figsize=(8.0, 2.8))
        left, right = figure.add_axes((0.17, 0.36, 0.43, 0.5)), figure.add_axes((0.69, 0.36, 0.3, 0.5))
        start = [0.0] * len(parts.rows)
        for name, values in _shares(parts).items():
            left.barh([str(row["setting"]) for row in parts.rows], values, left=start, label=name, height=0.5)
            start = [a + b for a, b in zip(start, values, strict=True)]
        left.invert_yaxis()
        left.set(xlabel="µs of wall time per sample", title="Where the time goes")
        left.legend(ncols=4, fontsize=7, loc="upper center", bbox_to_anchor=(0.4, -0.35), frameon=False)
        rows = [row for row in products.rows if row["batch size"] == products.rows[0]["batch size"]]
        bars = right.bar(
            [str(row["networks"]) for row in rows], [_number(row["update, µs per sample"]) for row in rows]
        )
        right.bar_label(bars, [show(row["update, µs per sample"]) for row in rows], fontsize=7)
        right.set(xlabel="networks", ylabel="µs per sample", title="An update, by width")
        right.margins(y=0.15)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        figure.text(0.01, 0.02, f"commit {(record.commit or 'unknown')[:7]}, {record.machine.cpu}", fontsize=6)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _shares(parts: Table) -> dict[str, list[float]]:
    """Return parts of an iteration that add up, each for all settings."""
    whole, stepping, acting, update = (
        [_number(row[name]) for row in parts.rows]
        for name in ("rollout", "of which stepping", "of which acting", "update")
    )
    rest = [a - b - c for a, b, c in zip(whole, stepping, acting, strict=True)]
    return {"stepping": stepping, "acting": acting, "rest of the rollout": rest, "update": update}


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)


def main() -> None:
    """Write page and plot."""
    records = stored()
    (HERE / "README.md").write_text(page(records), encoding="utf-8")
    (HERE.parent / "docs" / "performance.svg").write_bytes(plot(records))


if __name__ == "__main__":
    main()
