from __future__ import annotations

import pytest

from benchmarks.paired import Slice
from benchmarks.rendering import less


def test_what_is_left_and_the_parts_are_the_whole() -> None:
    whole, parts = Slice(20.0, 10.0, 12.0), [Slice(20.0, 1.0, 2.0), Slice(20.0, 3.0, 4.0)]
    assert less(whole, *parts) == Slice(20.0, 6.0, 6.0)
    assert less(whole) == whole


def test_the_short_version_splits_a_video_into_its_stages(quick) -> None:
    told = quick("rendering")
    (table,) = told.tables
    stages = {row.pop("stage"): {name: spread["median"] for name, spread in row.items()} for row in table["rows"]}
    assert all(value > 0 for stage in stages.values() for value in stage.values())
    whole = stages.pop("mimicrl replay")
    assert sum(stage["wall s"] for stage in stages.values()) == pytest.approx(whole["wall s"])
    assert sum(stage["CPU s"] for stage in stages.values()) == pytest.approx(whole["CPU s"])
    assert "drawn by" in told.text and "| × real time |" in told.text
