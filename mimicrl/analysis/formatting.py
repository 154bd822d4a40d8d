"""Numbers, times and values as people read them."""

from __future__ import annotations

from typing import Any

NOTHING = "–"
"""Stands for what is not known."""


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with `digits` decimals and a comma between thousands."""
    return NOTHING if value is None else f"{value:,.{digits}f}"


def count(amount: int, noun: str) -> str:
    """Return an amount with its noun, such as ``1 run`` or ``2 runs``."""
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units, such as ``3 h 5 min``."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def value(content: Any) -> str:
    """Return a value from a YAML or JSON file."""
    if isinstance(content, dict):
        return ", ".join(f"{key} {value(inner)}" for key, inner in content.items())
    if isinstance(content, list | tuple):
        return ", ".join(map(value, content))
    if content is None or isinstance(content, bool):
        return {None: "none", True: "yes", False: "no"}[content]
    if isinstance(content, int):
        return f"{content:,}"
    return f"{content:g}" if isinstance(content, float) else str(content)
