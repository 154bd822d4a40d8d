"""Evaluations during training: when they happen, what is best, what first success is."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stable_baselines3.common.logger import Logger

from mimicrl.evaluation.rollout import Episodes
from mimicrl.mimic.task import Task
from mimicrl.mimic.terminations import Reason
from mimicrl.runs import RunDirectory
from mimicrl.training import evaluation
from mimicrl.training.evaluation import EvaluationCallback, EvaluationState
from mimicrl.training.logs import JsonLines, Terminal, read_json_lines
from mimicrl.training.progress import Stopwatch

EPISODES, INTERVAL = 4, 256


class _FakePolicy:
    """Writes down which samples it is of."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "samples").write_text(str(self.samples))


def episodes(stable: int, reward: float) -> Episodes:
    """Four episodes of which `stable` went far enough."""
    ones = np.ones(EPISODES)
    return Episodes(
        start_phase=np.arange(EPISODES) / EPISODES,
        duration_s=0.5 * ones,
        reason=np.where(np.arange(EPISODES) < stable, Reason.TIME, Reason.FALL),
        distance_m=ones,
        lateral_drift_m=0 * ones,
        reward=reward * ones,
        terms=np.full((EPISODES, 4), reward / 4),
        joint_error_rad=np.zeros((EPISODES, 8)),
        upright=ones,
    )


class _Evaluations:
    """An evaluation callback whose evaluations come out as told."""

    def __init__(
        self, run: RunDirectory, monkeypatch: pytest.MonkeyPatch, state: EvaluationState | None = None
    ) -> None:
        self.run, self.starts, self.results = run, [], []
        monkeypatch.setattr(evaluation, "roll_out", self._roll_out)
        self.lines = JsonLines(run.training_directory / "evaluations.jsonl")
        terminal = Terminal(run.config, 0)
        self.callback = EvaluationCallback(
            run, Task.of_run(run), {}, self.lines, terminal, 1, Stopwatch(), state or EvaluationState(), None
        )
        model: Any = SimpleNamespace(logger=Logger(None, []), export=lambda about: _FakePolicy(about["samples"]))
        self.callback.model = model

    def _roll_out(self, policy: Any, batch: Any, phases: np.ndarray) -> Episodes:
        self.starts.append(phases)
        return self.results.pop(0)

    def at(self, samples: int, stable: int = 0, reward: float = 0.5) -> None:
        self.results = [episodes(stable, reward)]
        self.callback.num_timesteps = samples
        self.callback.at_boundary()

    def best(self) -> int:
        return int((self.run.policy_directory("best") / "samples").read_text())


@pytest.fixture
def evaluations(prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Evaluations:
    return _Evaluations(prepare(tmp_path / "run"), monkeypatch)


def test_evaluations_happen_once_an_interval(evaluations: _Evaluations) -> None:
    for samples in (0, 128, 255, 256, 256, 384, 512, 600, 767, 768):
        evaluations.at(samples)
    assert [row["samples"] for row in read_json_lines(evaluations.lines.path)] == [256, 512, 768]


def test_intervals_passed_at_once_count_as_one(evaluations: _Evaluations) -> None:
    for samples in (1000, 1023, 1024):
        evaluations.at(samples)
    assert [row["samples"] for row in read_json_lines(evaluations.lines.path)] == [1000, 1024]


@pytest.mark.parametrize("stride", [256, 512, 768])
def test_starts_alternate_however_many_intervals_a_rollout_takes(evaluations: _Evaluations, stride: int) -> None:
    for number in range(1, 6):
        evaluations.at(number * stride)
    first, second = np.arange(EPISODES) / EPISODES, (np.arange(EPISODES) + 0.5) / EPISODES
    for number, starts in enumerate(evaluations.starts):
        np.testing.assert_array_equal(starts, second if number % 2 else first)


@pytest.mark.parametrize(
    ("stable", "first_success"),
    [
        ([4, 4, 4], 256),
        ([0, 4, 4], 512),
        ([4, 3, 4, 4], 768),
        ([4, 0, 4, 0, 4], None),
        ([3, 3, 3], None),
        ([0, 0, 4], None),
        ([4, 4, 0, 4, 4], 256),
    ],
)
def test_first_success_is_the_first_of_two_full_evaluations_in_a_row(
    evaluations: _Evaluations, stable: list[int], first_success: int | None
) -> None:
    for number, count in enumerate(stable, start=1):
        evaluations.at(number * INTERVAL, count)
    assert evaluations.callback.state.first_success == first_success


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(0, 0.1)], 1),
        ([(2, 0.9), (3, 0.1)], 2),
        ([(3, 0.1), (2, 0.9)], 1),
        ([(3, 0.1), (3, 0.2)], 2),
        ([(3, 0.2), (3, 0.1)], 1),
        ([(3, 0.2), (3, 0.2)], 1),
        ([(0, 0.1), (4, 0.3), (4, 0.5), (4, 0.4)], 3),
    ],
)
def test_best_is_the_most_stable_then_the_most_rewarded(
    evaluations: _Evaluations, results: list[tuple[int, float]], best: int
) -> None:
    for number, result in enumerate(results, start=1):
        evaluations.at(number * INTERVAL, *result)
    told, policy = evaluations.callback.state.best, evaluations.callback.best_policy
    assert told is not None and policy is not None
    assert evaluations.best() == best * INTERVAL == told.samples == policy.samples  # type: ignore[attr-defined]
    assert told.summary.score == (results[best - 1][0], 0.5 * results[best - 1][1])


def test_the_state_carries_an_evaluation_on(evaluations: _Evaluations, prepare, tmp_path: Path, monkeypatch) -> None:
    evaluations.at(256, 2, 0.9)
    evaluations.at(512, 4)
    other = _Evaluations(prepare(tmp_path / "other"), monkeypatch, deepcopy(evaluations.callback.state))
    other.at(512, 4)  # done already
    other.at(768, 4)
    assert other.callback.state.first_success == 512
    assert len(other.starts) == 1 and other.starts[0][0] == 0
