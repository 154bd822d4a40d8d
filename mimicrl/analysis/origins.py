"""Where results come from: code, packages and machine, and what of it several runs have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mimicrl.analysis import text

_ORIGIN = {
    "Code, sha256": ("code", "sha256"),
    "Commit": ("code", "commit"),
    "Changed since the commit": ("code", "dirty"),
    "Lock of packages, sha256": ("lock_sha256",),
    "Container, sha256": ("container", "sha256"),
    "Container's version": ("container", "version"),
    "Host": ("host",),
    "Processor": ("cpu", "model"),
    "Usable cores": ("cpu", "cores"),
    "Vector instructions": ("cpu", "vector_instructions"),
    "Platform": ("platform",),
    "Python": ("python",),
    "Versions": ("versions",),
    "Threads": ("threads",),
    "Environment": ("environment",),
}
"""What is shown of a record of provenance, and where it stands there."""

_NAMED = 12  # of those that a value holds for


def origins(records: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return where results come from, and what of it holds for which of them.

    Args:
        records: Provenance by the name of what was made.

    Returns:
        ``what`` (such as the host), its ``value``, and ``of``: the names it holds for, or all, or all but some.
    """
    holders = _holders(records)
    return [
        {"what": what, "value": value, "of": _some(names, [name for name in records if name not in names])}
        for what, values in holders.items()
        for value, names in values.items()
    ]


def look_up(record: Any, *path: str) -> Any:
    """Return what stands at a place of a record, None where the record does not tell."""
    for key in path:
        record = record.get(key) if isinstance(record, dict) else None
    return record


def usual(records: Mapping[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """Return what and value of the commonest origins, one value each; of equally common ones the first."""
    common = {
        what: max(values, key=lambda value: len(values[value])) for what, values in _holders(records).items() if values
    }
    return set(common.items())


def _holders(records: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return which of the records have which value of what is shown."""
    holders: dict[str, dict[str, list[str]]] = {what: {} for what in _ORIGIN}
    for name, record in records.items():
        for what, path in _ORIGIN.items():
            value = look_up(record, *path)
            if value not in (None, {}, []):
                holders[what].setdefault(text.value(value), []).append(name)
    return holders


def _some(names: Sequence[str], others: Sequence[str]) -> str:
    if not others:
        return "all"
    return f"all but {_listed(others)}" if len(others) < len(names) else _listed(names)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more:,} more"
