"""Fixtures of the walkers' tests."""

from __future__ import annotations

import pytest

from mimicrl.walkers import Walker


@pytest.fixture(params=["walker", "torque_walker"])
def either(request: pytest.FixtureRequest) -> Walker:
    """The walker with each actuation."""
    return request.getfixturevalue(request.param)
