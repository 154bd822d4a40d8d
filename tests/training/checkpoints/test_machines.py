"""What is told when a training goes on on another machines."""

from __future__ import annotations

import platform

import pytest
import torch

from mimicrl.training.checkpoints import machines

THEN = {"CPU": "Intel Xeon", "vector instructions": ["avx2", "avx512f", "fma"], "torch": "2.13.0"}


def test_a_machine_is_told_by_what_decides_bits() -> None:
    here = machines.describe()
    assert here["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert here["CPU"] and platform.node() not in str(here), "another node of the same kind gives the same bits"


def test_the_same_machine_changes_nothing() -> None:
    known, changed = machines.history([])
    assert known == [machines.describe()] and changed == []
    assert machines.history(known) == (known, [])


def test_another_machine_joins_the_list_and_is_told() -> None:
    known, changed = machines.history([THEN])
    assert known == [THEN, machines.describe()]
    assert changed[0] == f"CPU Intel Xeon, now {machines.describe()['CPU']}"
    assert machines.history(known) == (known, []), "told once, kept for ever"


def test_of_vector_instructions_only_what_differs_is_told() -> None:
    now = THEN | {"vector instructions": ["avx2", "fma"]}
    assert machines.differences(THEN, now) == ["vector instructions avx512f, now without them"]
    assert machines.differences(now, THEN) == ["vector instructions without them, now avx512f"]


@pytest.mark.fault(49)
def test_every_difference_is_told() -> None:
    now = THEN | {"torch": "2.14.0", "CPU": "AMD EPYC"}
    assert machines.differences(THEN, now) == ["CPU Intel Xeon, now AMD EPYC", "torch 2.13.0, now 2.14.0"]
