"""What is told when a training goes on on another machine."""

from __future__ import annotations

import platform

import torch

from mimicrl.training import machine

THEN = {"CPU": "Intel Xeon", "vector instructions": ["avx2", "avx512f", "fma"], "torch": "2.13.0"}


def test_a_machine_is_told_by_what_decides_bits() -> None:
    here = machine.describe()
    assert here["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert here["CPU"] and platform.node() not in str(here), "another node of the same kind gives the same bits"


def test_the_same_machine_changes_nothing() -> None:
    machines, changed = machine.history([])
    assert machines == [machine.describe()] and changed == []
    assert machine.history(machines) == (machines, [])


def test_another_machine_joins_the_list_and_is_told() -> None:
    machines, changed = machine.history([THEN])
    assert machines == [THEN, machine.describe()]
    assert changed[0] == f"CPU Intel Xeon, now {machine.describe()['CPU']}"
    assert machine.history(machines) == (machines, []), "told once, kept for ever"


def test_of_vector_instructions_only_what_differs_is_told() -> None:
    now = THEN | {"vector instructions": ["avx2", "fma"]}
    assert machine.differences(THEN, now) == ["vector instructions avx512f, now without them"]
    assert machine.differences(now, THEN) == ["vector instructions without them, now avx512f"]


def test_every_difference_is_told() -> None:
    now = THEN | {"torch": "2.14.0", "CPU": "AMD EPYC"}
    assert machine.differences(THEN, now) == ["CPU Intel Xeon, now AMD EPYC", "torch 2.13.0, now 2.14.0"]
