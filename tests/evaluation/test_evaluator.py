"""Evaluations of a training: they depend on policy and starts alone."""

from __future__ import annotations

import pytest

from mimicrl.envs.task import Task
from mimicrl.evaluation.evaluator import Evaluator
from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import Run


@pytest.fixture(scope="module")
def policies(trained_run: Run) -> list[Policy]:
    return [Policy.load(trained_run.policy_directory(name)) for name in ("init", "final")]


def summaries(run: Run, policies: list[Policy], threads: int) -> list[Summary]:
    """What one evaluator comes to with each policy from each set of starts."""
    evaluator = Evaluator(Task.of_run(run), run.config.evaluation, threads)
    return [evaluator.evaluate(policy, shifted=shifted)[0] for shifted in (False, True) for policy in policies]


def test_policies_and_starts_decide_and_threads_do_not(trained_run: Run, policies: list[Policy]) -> None:
    one = summaries(trained_run, policies, 1)
    assert len({str(summary) for summary in one}) == 4
    assert summaries(trained_run, policies, 2) == one


def test_an_evaluation_leaves_nothing_to_the_next(trained_run: Run, policies: list[Policy]) -> None:
    again = summaries(trained_run, policies[:1] * 2, 1)
    assert again[0] == again[1]
    assert again[2] == again[3]
