"""Bundled walkers are found by name."""

from __future__ import annotations

import pytest

from mimicrl.errors import WalkerError
from mimicrl.walkers import Walker, load, names
from mimicrl.walkers.registry import source


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("actuation", ["position", "torque"])
def test_every_bundled_walker_compiles(name: str, actuation: str) -> None:
    walker = load(name, actuation)  # type: ignore[arg-type]
    assert (walker.name, walker.actuation) == (name, actuation)
    assert Walker.from_xml(source(name), name=name, actuation=actuation).joint_names == walker.joint_names  # type: ignore[arg-type]


def test_the_default_walker_is_bundled() -> None:
    assert "walker3d" in names()


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("walker4d", "did you mean walker3d?"),
        ("horse", "give an MJCF file as walker.file"),
        ("../walker3d", "did you mean walker3d?"),
        ("", "give an MJCF file as walker.file"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, fix: str) -> None:
    with pytest.raises(WalkerError) as caught:
        load(name)
    where = f"{name} — " if name else ""
    assert str(caught.value) == f"no such walker — {where}expected one of {', '.join(names())} — {fix}"
