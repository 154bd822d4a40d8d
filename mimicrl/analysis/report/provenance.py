"""Where results come from: code, packages and machine, and what of it several runs share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from mimicrl.analysis import formatting
from mimicrl.runs.records import Provenance

_SHOWN = {
    "Code, sha256": "code.sha256",
    "Commit": "code.commit",
    "Changed since the commit": "code.dirty",
    "Package lock, sha256": "lock_sha256",
    "Container, sha256": "container.sha256",
    "Container version": "container.version",
    "Host": "host",
    "Processor": "cpu.model",
    "Usable cores": "cpu.cores",
    "Vector instructions": "cpu.vector_instructions",
    "Platform": "platform",
    "Python": "python",
    "Versions": "versions",
    "Threads": "threads",
    "Environment": "environment",
}
"""What the page shows of a record, and its place there."""

_NAMED = 12
"""How many names are listed at most."""


class Origin(NamedTuple):
    """A fact about where results come from, such as the host, with its value."""

    what: str
    value: str


def origins(records: Mapping[str, Provenance]) -> dict[Origin, list[str]]:
    """Return every fact about where results come from, with the names of the results that it holds for.

    Args:
        records: Provenance by the name of the result.
    """
    found: dict[Origin, list[str]] = defaultdict(list)
    for what, place in _SHOWN.items():
        for name, record in records.items():
            value = attrgetter(place)(record)
            if value not in (None, {}, []):
                found[Origin(what, formatting.value(value))].append(name)
    return dict(found)


def most_common(found: Mapping[Origin, Sequence[str]]) -> set[Origin]:
    """Return the most common value of each fact; of equally common values the first."""
    values: dict[str, list[Origin]] = defaultdict(list)
    for origin in found:
        values[origin.what].append(origin)
    return {max(candidates, key=lambda origin: len(found[origin])) for candidates in values.values()}


def describe(names: Sequence[str], everything: Sequence[str]) -> str:
    """Return for which of all results something holds, in few words, such as ``all but walk/seed_2``."""
    others = [name for name in everything if name not in names]
    if not others:
        return "all"
    return f"all but {_listed(others)}" if len(others) < len(names) else _listed(names)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:_NAMED])} and {more:,} more"
