from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from benchmarks.stacks import Stacks

SMALL = {"n_envs": 2, "n_steps": 4, "minibatch": 4, "actor": [4], "critic": [4]}


@pytest.mark.parametrize("wanted", [1, 2])
def test_a_learner_computes_on_as_many_threads_as_in_training(tmp_path: Path, wanted: int) -> None:
    before, seen = torch.get_num_threads(), {}
    torch.set_num_threads(3 - wanted)
    try:
        with Stacks(tmp_path) as stacks:
            model = stacks.model(SMALL | {"torch_threads": wanted}, {}, threads=2 * wanted)
            companion = model.learner._companion
            assert companion is not None
            companion.both(
                lambda: seen.update({threading.current_thread().name: torch.get_num_threads()}),
                lambda: seen.update(companion=torch.get_num_threads()),
            )
    finally:
        torch.set_num_threads(before)
    assert list(seen.values()) == [wanted, wanted]
