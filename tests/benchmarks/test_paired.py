from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import paired
from benchmarks.paired import Slice

positive = st.floats(1e-3, 1e3)
slices = st.lists(st.builds(Slice, positive, positive, positive), min_size=1, max_size=6)


@given(slices, st.data())
def test_a_ratio_does_not_see_the_machine_drift(mine: list[Slice], data: st.DataObject) -> None:
    drift = data.draw(st.lists(positive, min_size=len(mine), max_size=len(mine)))
    drifted = [Slice(each.units, each.wall_s * d, each.cpu_s * d) for each, d in zip(mine, drift, strict=True)]
    faster = [Slice(1.5 * each.units, each.wall_s, each.cpu_s) for each in drifted]
    gain = paired.times(faster, drifted, "wall")
    assert [gain.low, gain.median, gain.high] == pytest.approx([1.5] * 3)


def test_contenders_take_turns_and_the_first_rounds_do_not_count() -> None:
    calls: list[str] = []

    def work(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    told = paired.alternate({"a": lambda: work("a"), "b": lambda: work("b")}, rounds=2, warm_up=1)
    assert calls == ["a", "b"] * 3
    assert [each.units for each in told["a"]] == [3.0, 5.0]
    assert [each.units for each in told["b"]] == [4.0, 6.0]
