"""Evaluations during training: when they happen, what is best, what first success is."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mimicrl.evaluation.evaluator import Result
from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training.evaluation import EvaluationCallback, EvaluationState
from mimicrl.training.logs import JsonLines, MetricsWriter, Terminal, read_json_lines
from mimicrl.training.progress import Stopwatch
from mimicrl.training.rows import OrderedLogger

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
    """Comes to what it was told, at once or only for who waits."""

    def __init__(self) -> None:
        self.shifted: list[bool] = []
        self.comes_to, self.slow = summary(0, 0.5), False

    def submit(self, policy: Policy, *, shifted: bool) -> None:
        self.shifted.append(shifted)
        self._result = Result(self.comes_to, 0.25, 0.0)

    def result(self, *, wait: bool) -> Result | None:
        return self._result if wait or not self.slow else None

    def close(self) -> None:
        pass


class _Evaluations:
    """An evaluation callback whose evaluations come out as told."""

    def __init__(self, run: RunDirectory, state: EvaluationState | None = None) -> None:
        self.run, self.evaluator = run, _Evaluator()
        folder = run.training_directory
        self.lines, self.rows = (JsonLines(folder / f"{name}.jsonl") for name in ("evaluations", "metrics"))
        self.callback = EvaluationCallback(
            run, self.evaluator, {}, self.lines, Terminal(run.config, 0), Stopwatch(), state or EvaluationState(), None
        )
        logger = OrderedLogger([MetricsWriter(self.rows)])
        model: Any = SimpleNamespace(logger=logger, export=lambda about: _FakePolicy(about["samples"]))
        self.callback.model = model

    def at(self, samples: int, stable: int = 0, reward: float = 0.5, *, slow: bool = False) -> None:
        """Be at a boundary; a row of metrics is written there, and then results are looked for."""
        self.evaluator.comes_to, self.evaluator.slow = summary(stable, reward), slow
        self.callback.num_timesteps = samples
        self.callback.at_boundary()
        self.callback.logger.record("train/loss", float(samples))
        self.callback.logger.dump(samples)
        self.callback.collect(wait=False)

    def best(self) -> int:
        return int((self.run.policy_directory("best") / "samples").read_text())

    def written(self) -> list[list[dict[str, Any]]]:
        """The rows of both files, without the clocks."""
        files = [read_json_lines(lines.path) for lines in (self.lines, self.rows)]
        clocks = ("seconds", "training_seconds", "cpu_seconds")
        return [[{key: row[key] for key in row if key not in clocks} for row in rows] for rows in files]


@pytest.fixture
def evaluations(prepare, tmp_path: Path) -> _Evaluations:
    return _Evaluations(prepare(tmp_path / "run"))


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
    assert evaluations.evaluator.shifted == [False, True, False, True, False]


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


def test_the_state_carries_an_evaluation_on(evaluations: _Evaluations, prepare, tmp_path: Path) -> None:
    evaluations.at(256, 2, 0.9)
    evaluations.at(512, 4)
    other = _Evaluations(prepare(tmp_path / "other"), deepcopy(evaluations.callback.state))
    other.at(512, 4)  # done already
    other.at(768, 4)
    assert other.callback.state.first_success == 512
    assert other.evaluator.shifted == [False]


def test_results_that_come_late_are_written_as_those_that_come_at_once(
    evaluations: _Evaluations, prepare, tmp_path: Path
) -> None:
    late = _Evaluations(prepare(tmp_path / "late"))
    course = [(128, 0), (256, 3), (384, 0), (512, 4), (640, 0), (768, 4), (896, 0), (1024, 2), (1152, 0)]
    for samples, stable in course:
        evaluations.at(samples, stable)
        late.at(samples, stable, slow=samples != 640)  # looked for there, waited for at the next evaluation otherwise
    assert [row["samples"] for row in late.written()[1]] == [128, 256, 384, 512, 640, 768, 896]
    assert late.callback.under_way and not evaluations.callback.under_way
    late.callback.collect(wait=True)
    late.callback.collect(wait=True)  # no second time
    assert late.written() == evaluations.written()
    assert late.callback.state == evaluations.callback.state
    assert late.best() == evaluations.best() == 512
    tagged = [row["samples"] for row in late.written()[1] if "eval/stable_episodes" in row]
    assert tagged == [256, 512, 768, 1024]


def test_a_result_under_way_counts_for_nothing(evaluations: _Evaluations) -> None:
    evaluations.at(256, 4, slow=True)
    assert evaluations.callback.last is None and evaluations.callback.state.best is None
    assert evaluations.written() == [[], []] and evaluations.callback.best_policy is None
    evaluations.evaluator.slow = False
    evaluations.callback.collect(wait=False)
    assert evaluations.callback.last == summary(4, 0.5) and evaluations.best() == 256
