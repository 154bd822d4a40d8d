from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.stacks import Stacks

SMALL = {"n_envs": 2, "n_steps": 4, "batch_size": 4, "net_arch": {"pi": [4], "vf": [4]}}


def test_a_learners_operations_have_one_thread_as_in_training(tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), {}
    torch.set_num_threads(2)
    try:
        with Stacks(tmp_path) as stacks:
            learner = stacks.model(SMALL, {}, cores=2).learner
            learner._both(
                lambda: seen.update(actor=torch.get_num_threads()), lambda: seen.update(critic=torch.get_num_threads())
            )
    finally:
        torch.set_num_threads(before)
    assert seen == {"actor": 1, "critic": 1}
