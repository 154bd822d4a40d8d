"""What all tests of resuming share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_trainer_outlives_its_test() -> Iterator[None]:
    yield
    for process in multiprocessing.active_children():
        process.kill()
