"""What tests of checkpoints share."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoint_files import save

from mimicrl.envs.task import Task
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training import vec_envs


@pytest.fixture(scope="module")
def learners(prepare, tmp_path_factory: pytest.TempPathFactory) -> list[MimicPPO]:
    """Two learners of one run, from different seeds; the first has learned a little."""
    run = prepare(tmp_path_factory.mktemp("checkpoint") / "run")
    models = []
    for seed in (1, 2):
        environments = vec_envs.make(run, Task.of_run(run), 1)
        environments.seed(seed)
        models.append(MimicPPO(run.config.training, environments, seed))
    models[0].learn(256)
    return models


@pytest.fixture
def saved(learners: list[MimicPPO], tmp_path: Path) -> Path:
    """A folder with checkpoints of 128, 256 and 384 samples, of which two are left."""
    save(tmp_path / "checkpoints", learners[0], 128, 256, 384)
    return tmp_path / "checkpoints"


@pytest.fixture
def last(saved: Path) -> Path:
    """The newest of them."""
    return saved / "step-000000000384"
