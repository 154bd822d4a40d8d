"""Names that moved to `mimicrl.machine` and `mimicrl.runs.provenance`; for modules that are not converted yet."""

from __future__ import annotations

from typing import Any

from mimicrl.machine import cpu, graphics_cards, host, now, peak_memory_mb, usable_cores, versions
from mimicrl.runs import provenance
from mimicrl.runs.provenance import code_sha256

__all__ = [
    "code_sha256",
    "cpu",
    "graphics_cards",
    "host",
    "now",
    "peak_memory_mb",
    "record",
    "usable_cores",
    "versions",
]


def record(verb: str, started: str, **threads: int) -> dict[str, Any]:
    """Return the provenance of what a verb just did."""
    return provenance.record(verb, started, result=None, **threads).as_json()
