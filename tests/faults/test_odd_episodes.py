"""Episodes that end early are replayed as far as they went; the caption says how they ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def filmed(run: Run, episode: int) -> dict[str, Any]:
    """What the provenance says of the video of an episode."""
    assert replay(run, episode=episode, settings=SMALL).is_file()
    return artifacts.read_json(run.provenance_file(f"replay-final-episode-{episode}.mp4"))["result"]


def test_a_fall_is_shown_to_its_end(run: Run, acting: Callable[..., None]) -> None:
    acting()
    result, shown = filmed(run, 0), roll_again(run, episode=0)
    assert result["reason"] == "fall"
    assert 0 < result["duration_s"] < 1.5
    assert result["pictures"] == round(10 * result["duration_s"])
    assert len(shown.animation.times_s) == round(50 * shown.duration_s)
    title, words = shown.animation.caption(float(shown.animation.times_s[-1]))
    duration = f"{shown.duration_s:.1f} s"
    assert words.endswith(f"   {duration}   {shown.distance_m:.1f} m   fall at {duration}")
    assert "unlike" not in title


# The step at which the walker breaks down, counted from 1, and the pictures of the video.
@pytest.mark.parametrize(("breaks", "pictures"), [(10, 2), (2, 1), (1, 1)])
def test_a_divergence_is_shown_up_to_the_last_step_that_was_sane(
    run: Run, acting: Callable[..., None], breaks: int, pictures: int
) -> None:
    acting(1, breaks)
    shown = roll_again(run, episode=1)
    assert (shown.reason, shown.duration_s) == ("diverged", pytest.approx(breaks / 50))
    assert len(shown.animation.times_s) == max(breaks - 1, 2)
    assert np.isfinite(shown.animation.qpos).all()
    assert shown.animation.caption(0.0)[1].endswith(f"   diverged at {breaks / 50:.1f} s")
    acting(1, breaks)
    assert filmed(run, 1)["pictures"] == pictures


def test_an_episode_that_broke_at_once_shows_its_start(run: Run, acting: Callable[..., None]) -> None:
    acting(2, 1)
    shown = roll_again(run, episode=2)
    # Nothing it did was finite, so what is seen is the reference at the start.
    task = Task.of_run(run)
    frame = task.reference.at_phase(np.array([shown.start_phase]))
    expected = np.repeat(frame.joint_angles_rad, len(shown.animation.qpos), axis=0)
    np.testing.assert_array_equal(shown.animation.qpos[:, task.walker.qpos_index], expected)
