from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import learning
from benchmarks.learning import Result


def result(samples: int | None, wall_s: float | None = 1.0, cpu_s: float = 1.0) -> Result:
    return Result(samples, wall_s, cpu_s, {})


def test_a_run_without_success_counts_as_later_than_all_others() -> None:
    middle = learning.median([result(100, 10.0, 12.0), result(None, None, 99.0), result(300, 30.0, 33.0)])
    assert (middle.samples, middle.wall_s, middle.cpu_s) == (300, 30.0, 33.0)
    assert learning.median([result(100), result(None, None), result(None, None)]).samples is None


@pytest.mark.parametrize(("seconds", "success"), [(0.2, 128), (5.0, None)])
def test_a_training_is_timed_to_its_first_success(tmp_path: Path, seconds: float, success: int | None) -> None:
    # Anybody stands for a fifth of a second, and nobody for five so soon.
    tiny: dict[str, Any] = {
        "training": {"total_timesteps": 256, "n_envs": 4, "n_steps": 32, "batch_size": 64, "n_epochs": 1},
        "evaluation": {"eval_freq": 128, "episodes": 2, "seconds": seconds},
        "logging": {"tensorboard": False},
    }
    run = learning.prepare(tmp_path, learning.experiment(None, 256, **tiny), 3)
    begin = time.perf_counter()
    done = learning.train(run, milestones=(128, 200, 999))
    took_s = time.perf_counter() - begin
    assert run.config.seed == 3
    assert done.samples == success and done.cpu_s > 0
    assert done.wall_s is None if success is None else 0 < done.wall_s < took_s
    assert list(done.milestones) == [128, 200]
    assert all(text.count(",") == 2 for text in done.milestones.values())


def test_a_training_that_fails_is_told(tmp_path: Path) -> None:
    run = learning.prepare(tmp_path, learning.experiment(None, 1024), 1)
    run.walker_file.write_text(run.walker_file.read_text() + "\n")
    with pytest.raises(SystemExit, match="a file of the run was changed"):
        learning.train(run)
