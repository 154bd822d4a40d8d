"""What is logged of training episodes, and what is kept of those in which the physics diverged."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from mimicrl.training.callbacks import EpisodeCallback


@pytest.fixture
def watched(tmp_path: Path) -> EpisodeCallback:
    """A callback at the start of a training."""
    callback = EpisodeCallback(tmp_path / "diverged", ("time", "diverged", "fall", "tracking"))
    callback.model = SimpleNamespace(logger=Logger(None, []))  # type: ignore[assignment]
    callback._on_training_start()
    return callback


def test_episodes_are_summed_up_by_rollout(watched: EpisodeCallback) -> None:
    callback = watched
    terms = {"pose": 0.2, "velocity": 0.1, "end_effector": 0.1, "root": 0.3}
    callback.locals = {"infos": [{}, {"mimic": {"reason": "fall", "reward": terms}}]}
    callback._on_step()
    callback.locals = {"infos": [{"mimic": {"reason": "time", "reward": terms | {"pose": 0.4}}}, {}]}
    callback._on_step()
    callback._on_rollout_end()
    logged = dict(callback.logger.name_to_value)
    assert logged["reward/pose"] == pytest.approx(0.3)
    assert logged["reward/root"] == pytest.approx(0.3)
    shares = {name: logged[f"rollout/ended_by_{name}"] for name in ("time", "tracking", "fall", "diverged")}
    assert shares == {"time": 0.5, "tracking": 0, "fall": 0.5, "diverged": 0}
    callback.logger.name_to_value.clear()
    callback._on_rollout_end()  # no episode ended
    assert not callback.logger.name_to_value


def diverge(callback: EpisodeCallback, samples: int, *environments: int) -> None:
    """Let episodes end whose last configurations tell samples and environment."""
    callback.num_timesteps = samples
    infos: list[dict[str, Any]] = [{} for _ in range(4)]
    for environment in environments:
        infos[environment] = {"trace": np.full((5, 15), samples + environment / 10)}
    callback.locals = {"infos": infos}
    callback._on_step()


def dumps(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "diverged").glob("*"))


def test_the_last_three_divergences_are_kept(watched: EpisodeCallback, tmp_path: Path) -> None:
    diverge(watched, 4, 1)
    diverge(watched, 8)
    assert dumps(tmp_path) == ["000000000004-environment-1.npy"]
    diverge(watched, 12, 0, 3)
    diverge(watched, 1000, 2)
    names = ["000000000012-environment-0.npy", "000000000012-environment-3.npy", "000000001000-environment-2.npy"]
    assert dumps(tmp_path) == names
    for name, content in zip(names, (12.0, 12.3, 1000.2), strict=True):
        rows = np.load(tmp_path / "diverged" / name, allow_pickle=False)
        assert rows.shape == (5, 15) and (rows == content).all()


def test_divergences_of_samples_that_are_taken_again_are_forgotten(watched: EpisodeCallback, tmp_path: Path) -> None:
    for samples in (128, 129, 300):
        diverge(watched, samples, 0)
    watched.num_timesteps = 128
    watched._on_training_start()
    assert dumps(tmp_path) == ["000000000128-environment-0.npy"]
    watched.num_timesteps = 0
    watched._on_training_start()
    assert dumps(tmp_path) == []
