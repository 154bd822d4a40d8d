"""What is told when a training goes on on another platform."""

from __future__ import annotations

import platform

import pytest
import torch

from mimicrl.training.checkpoints import platforms

THEN = {"CPU": "Intel Xeon", "vector instructions": ["avx2", "avx512f", "fma"], "torch": "2.13.0"}


def test_a_platform_is_told_by_what_decides_bits() -> None:
    here = platforms.describe()
    assert here["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert here["CPU"]
    assert platform.node() not in str(here), "another node of the same kind gives the same bits"


def test_another_platform_joins_the_list_and_is_told_once() -> None:
    here = platforms.describe()
    known, changed = platforms.history([THEN])
    assert known == [THEN, here]
    assert changed[0] == f"CPU Intel Xeon, now {here['CPU']}"
    assert platforms.history(known) == (known, [])
    assert platforms.history([]) == ([here], [])


@pytest.mark.fault(49)
def test_every_difference_is_told_and_of_vector_instructions_only_what_differs() -> None:
    now = THEN | {"torch": "2.14.0", "CPU": "AMD EPYC", "vector instructions": ["avx2", "fma"]}
    assert platforms.differences(THEN, now) == [
        "CPU Intel Xeon, now AMD EPYC",
        "vector instructions avx512f, now without them",
        "torch 2.13.0, now 2.14.0",
    ]
