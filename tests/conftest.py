"""Fixtures that several tests share: models and motions are made once and never changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from mimicrl import walkers
from mimicrl.config import RunConfig
from mimicrl.config.loading import deep_merge
from mimicrl.mimic.prepare import prepare_run
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.runs import RunDirectory
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


@pytest.fixture(scope="session")
def tiny() -> Callable[..., RunConfig]:
    """Makes the configuration of a run of a second; what is given changes values of its sections."""
    base: dict[str, Any] = {
        "study": "tiny",
        "experiment": "walk",
        "seed": 1,
        "training": {
            "total_timesteps": 512,
            "n_envs": 4,
            "n_steps": 32,
            "minibatch": 64,
            "n_epochs": 2,
            "actor": [16, 16],
            "critic": [16, 16],
            "checkpoint_interval": 128,
        },
        "evaluation": {"interval": 256, "episodes": 4, "seconds": 0.5},
        "logging": {"tensorboard": False},
    }

    def make(**changes: Any) -> RunConfig:
        return RunConfig.model_validate_json(json.dumps(deep_merge(base, changes)))

    return make


@pytest.fixture(scope="session")
def prepare(tiny: Callable[..., RunConfig]) -> Callable[..., RunDirectory]:
    """Makes a tiny run's directory: ``prepare(path, training={"n_envs": 2})``."""

    def make(path: Path, **changes: Any) -> RunDirectory:
        return prepare_run(tiny(**changes), path.parent, path)

    return make


@pytest.fixture(scope="session")
def trained_run(prepare: Callable[..., RunDirectory], tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A tiny run that was trained to its end, with TensorBoard files; only to be read."""
    from mimicrl.training.train import train

    run = prepare(tmp_path_factory.mktemp("trained") / "run", logging={"tensorboard": True})
    train(run, threads=1)
    return run
