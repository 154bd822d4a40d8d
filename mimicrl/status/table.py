"""How far runs are, as text for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mimicrl.status.reading import RunStatus

_HEADER = ("run", "state", "samples", "of", "%", "steps/s", "ETA", "stable", "reward", "attempts", "where", "note")
_LEFT = {"run", "state", "where", "note"}
_QUIET = {"waiting", "completed", "diverged"}
_NOTE_LETTERS = 60


def table(rows: Sequence[RunStatus], height: int | None = None) -> str:
    """Return a line of totals, a header and a line a run.

    Args:
        rows: The runs.
        height: Lines there are; where runs do not fit, those that neither run nor need anyone are left out first.
    """
    shown, hidden = (rows, []) if height is None else _fitting(rows, height)
    cells = [_HEADER, *map(_cells, shown)] if shown else []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            f"{cell:<{width}}" if name in _LEFT else f"{cell:>{width}}"
            for name, cell, width in zip(_HEADER, row, widths, strict=True)
        ).rstrip()
        for row in cells
    ]
    more = [f"and {_totals(hidden)}"] if hidden else []
    return "\n".join([_totals(rows), *lines, *more])


def _totals(rows: Sequence[RunStatus]) -> str:
    states = Counter(row.state for row in rows)
    parts = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return f"{len(rows)} run{'s' * (len(rows) != 1)}" + (f": {parts}" if parts else "")


def _fitting(rows: Sequence[RunStatus], height: int) -> tuple[list[RunStatus], list[RunStatus]]:
    """Return the runs for which there is room, and the others."""
    if len(rows) + 2 <= height:  # below the totals and the header
        return list(rows), []
    places = sorted(range(len(rows)), key=lambda place: rows[place].state in _QUIET)
    room = max(height - 3, 1)
    shown, hidden = sorted(places[:room]), sorted(places[room:])
    return [rows[place] for place in shown], [rows[place] for place in hidden]


def _cells(row: RunStatus) -> tuple[str, ...]:
    share = None if not row.total else f"{min(100 * row.samples // row.total, 100)}"
    note = " ".join(row.note.split())
    return (
        row.name,
        row.state,
        f"{row.samples:,}",
        _or_dash(row.total, ","),
        share or "-",
        _or_dash(row.steps_per_s, ",.0f"),
        "-" if row.eta_s is None else duration(row.eta_s),
        "-" if row.stable is None else "/".join(map(str, row.stable)),
        _or_dash(row.reward, ".3f"),
        str(row.attempts),
        row.where or "-",
        note if len(note) <= _NOTE_LETTERS else f"{note[: _NOTE_LETTERS - 1]}…",
    )


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour} h"
    if hour:
        return f"{hour} h {minute:02d} min"
    return f"{minute} min {second:02d} s" if minute else f"{second} s"
