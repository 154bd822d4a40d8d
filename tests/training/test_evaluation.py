"""Evaluations during training: when they happen, what is best, what first success is."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.evaluation import Evaluations, EvaluationState

EPISODES, INTERVAL = 4, 256


class _FakePolicy:
    """Writes down which samples it is of."""

    def __init__(self, samples: int) -> None:
        self.samples = samples

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "samples").write_text(str(self.samples))


def summary(stable: int, reward: float) -> Summary:
    """Four episodes of which `stable` went far enough."""
    return Summary(EPISODES, stable, {"reward": reward, "duration_s": 0.5})


class _Evaluator:
    """Comes to what it was told."""

    def __init__(self) -> None:
        self.shifted: list[bool] = []
        self.comes_to = summary(0, 0.5)

    def evaluate(self, policy: Policy, *, shifted: bool) -> tuple[Summary, float]:
        self.shifted.append(shifted)
        return self.comes_to, 0.25


class _Training:
    """A training whose evaluations come out as told."""

    def __init__(self, run: Run, state: EvaluationState | None = None) -> None:
        self.run, self.evaluator, self.rows = run, _Evaluator(), list[dict[str, Any]]()
        evaluator: Any = self.evaluator
        self.evaluations = Evaluations(run, evaluator, state or EvaluationState(), None)

    def at(self, samples: int, stable: int = 0, reward: float = 0.5) -> None:
        """Be at a boundary."""
        self.evaluator.comes_to = summary(stable, reward)
        policy: Any = _FakePolicy(samples)
        if self.evaluations.due(samples):
            self.rows.append(self.evaluations.evaluate(policy, samples))

    def samples(self) -> list[int]:
        return [row["samples"] for row in self.rows]

    def best(self) -> int:
        return int((self.run.policy_directory("best") / "samples").read_text())


@pytest.fixture
def training(prepare, tmp_path: Path) -> _Training:
    return _Training(prepare(tmp_path / "run"))


def test_evaluations_happen_once_an_interval(training: _Training) -> None:
    for samples in (0, 128, 255, 256, 256, 384, 512, 600, 767, 768):
        training.at(samples)
    assert training.samples() == [256, 512, 768]


def test_intervals_passed_at_once_count_as_one(training: _Training) -> None:
    for samples in (1000, 1023, 1024):
        training.at(samples)
    assert training.samples() == [1000, 1024]


@pytest.mark.parametrize("stride", [256, 512, 768])
def test_starts_alternate_however_many_intervals_a_rollout_takes(training: _Training, stride: int) -> None:
    for number in range(1, 6):
        training.at(number * stride)
    assert training.evaluator.shifted == [False, True, False, True, False]


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
    training: _Training, stable: list[int], first_success: int | None
) -> None:
    for number, count in enumerate(stable, start=1):
        training.at(number * INTERVAL, count)
    assert training.evaluations.state.first_success == first_success


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
    training: _Training, results: list[tuple[int, float]], best: int
) -> None:
    for number, result in enumerate(results, start=1):
        training.at(number * INTERVAL, *result)
    told, policy = training.evaluations.state.best, training.evaluations.best_policy
    assert told is not None and policy is not None
    assert training.best() == best * INTERVAL == told.samples == policy.samples  # type: ignore[attr-defined]
    assert told.summary.score == (results[best - 1][0], 0.5 * results[best - 1][1])


def test_the_state_carries_an_evaluation_on(training: _Training, prepare, tmp_path: Path) -> None:
    training.at(256, 2, 0.9)
    training.at(512, 4)
    other = _Training(prepare(tmp_path / "other"), deepcopy(training.evaluations.state))
    other.at(512, 4)  # done already
    other.at(768, 4)
    assert other.evaluations.state.first_success == 512
    assert other.evaluator.shifted == [False]


def test_a_row_tells_figures_starts_and_time(training: _Training) -> None:
    training.at(256, 4, 0.7)
    (row,) = training.rows
    assert row == {"samples": 256, "shifted_starts": False, "seconds": 0.25, **summary(4, 0.7).as_dict()}
    assert training.evaluations.last == summary(4, 0.7)


def test_the_time_of_all_evaluations_adds_up(training: _Training) -> None:
    for samples in (256, 512, 600):
        training.at(samples)
    assert training.evaluations.state.seconds == 0.5
