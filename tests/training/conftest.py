"""What tests of checkpoints share."""

from __future__ import annotations

import pytest

from mimicrl.mimic.task import Task
from mimicrl.training import vec_envs
from mimicrl.training.ppo import MimicPPO


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
