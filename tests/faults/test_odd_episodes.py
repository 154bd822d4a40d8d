"""Episodes that end early are replayed as far as they went; the caption says how they ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stage_calls import replay

from mimicrl import artifacts
from mimicrl.envs.task import Task
from mimicrl.policy import Policy
from mimicrl.rendering.film import VideoOptions
from mimicrl.runs import Run
from mimicrl.stages.replay import roll_again

SMALL = VideoOptions(width=64, height=48, fps=10.0)


class Acts:
    """A policy that does nothing, until at some step a row's actions become senseless."""

    weights_sha256 = "none"

    def __init__(self, row: int = -1, breaks: int = 0) -> None:
        self._row, self._breaks, self._steps = row, breaks, 0

    def predict(self, observation: np.ndarray) -> np.ndarray:
        self._steps += 1
        actions = np.zeros((len(observation), 8), np.float32)
        if self._steps == self._breaks:
            actions[self._row] = np.nan
        return actions


@pytest.fixture
def run(prepare: Callable[..., Run], tmp_path: Path) -> Run:
    """A run whose policy need not be trained: it is replaced."""
    return prepare(tmp_path / "run", mdp={"action": {"kind": "absolute"}}, evaluation={"seconds": 1.5, "episodes": 3})


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the run's policy."""

    def set_(*words: int) -> None:
        monkeypatch.setattr(Policy, "of_run", lambda run, checkpoint: Acts(*words))

    return set_


def test_a_fall_is_shown_to_its_end(run: Run, acting: Callable[..., None]) -> None:
    acting()
    replay(run, settings=SMALL)
    result = artifacts.read_json(run.path / "provenance" / "replay.json")["result"]
    assert result["reason"] == "fall"
    assert 0 < result["duration_s"] < 1.5
    assert result["pictures"] == round(10 * result["duration_s"])
    shown = roll_again(run)
    assert len(shown.take.times_s) == round(50 * shown.duration_s)
    title, words = shown.take.caption(float(shown.take.times_s[-1]))
    duration = f"{shown.duration_s:.1f} s"
    assert words.endswith(f"   {duration}   {shown.distance_m:.1f} m   fall at {duration}")
    assert "unlike" not in title


def test_a_divergence_is_shown_up_to_the_last_step_that_was_sane(run: Run, acting: Callable[..., None]) -> None:
    acting(1, 10)
    shown = roll_again(run, episode=1)
    assert (shown.reason, shown.duration_s) == ("diverged", pytest.approx(10 / 50))
    assert len(shown.take.times_s) == 9
    assert np.isfinite(shown.take.qpos).all()
    assert shown.take.qpos[-1, 0] == shown.distance_m
    assert shown.take.caption(0.0)[1].endswith("   diverged at 0.2 s")
    acting(1, 10)
    assert replay(run, episode=1, settings=SMALL).stat().st_size > 0


def test_an_episode_of_one_step_is_a_still_picture(run: Run, acting: Callable[..., None]) -> None:
    acting(0, 2)
    path = replay(run, episode=0, settings=SMALL)
    result = artifacts.read_json(run.path / "provenance" / "replay-final-episode-0.mp4.json")["result"]
    assert path.is_file()
    assert result["pictures"] == 1
    assert result["duration_s"] == pytest.approx(2 / 50)


def test_an_episode_that_broke_at_once_shows_its_start(run: Run, acting: Callable[..., None]) -> None:
    acting(2, 1)
    path = replay(run, episode=2, settings=SMALL)
    result = artifacts.read_json(run.path / "provenance" / "replay-final-episode-2.mp4.json")["result"]
    assert path.is_file()
    assert (result["pictures"], result["reason"]) == (1, "diverged")
    # Nothing it did was finite, so what is seen is the reference at the start.
    task = Task.of_run(run)
    frame = task.reference.at_phase(np.array([result["start_phase"]]))
    shown = roll_again(run, episode=2).take.qpos
    np.testing.assert_array_equal(shown[:, task.walker.qpos_index], np.repeat(frame.joint_angles_rad, 2, axis=0))
