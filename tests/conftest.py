"""Fixtures that several tests share: models and motions are made once and never changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from mimicrl import walkers
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.walkers import Walker

# The same examples in every run, and no deadline: a busy machine must not fail a test.
settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def walker() -> Walker:
    """The bundled walker with PD servos."""
    return walkers.load("walker3d")


@pytest.fixture(scope="session")
def torque_walker() -> Walker:
    """The bundled walker with torque motors."""
    return walkers.load("walker3d", "torque")


@pytest.fixture(scope="session")
def clip(walker: Walker) -> MotionClip:
    """One cycle of the generated walk at 1.25 m/s."""
    return gait.generate(walker, 1.25)


@pytest.fixture(scope="session")
def reference(clip: MotionClip, walker: Walker) -> ReferenceTrajectory:
    """The reference trajectory of `clip`."""
    return ReferenceTrajectory(clip, walker)


@pytest.fixture(scope="session")
def motions_dir() -> Path:
    """A folder of real recordings, which the project may not carry; in CI it must be there."""
    folder = os.environ.get("MIMICRL_TEST_MOTIONS")
    if folder:
        return Path(folder).resolve(strict=True)
    reason = "set MIMICRL_TEST_MOTIONS to a folder of motion files"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
