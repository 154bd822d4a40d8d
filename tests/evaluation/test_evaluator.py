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


@pytest.mark.parametrize("threads", [1, 2])
def test_policies_and_starts_decide_and_neither_threads_nor_what_was_before(
    trained_run: Run, policies: list[Policy], threads: int
) -> None:
    def summaries(threads: int) -> list[Summary]:
        evaluator = Evaluator(Task.of_run(trained_run), trained_run.config.evaluation, threads)
        return [evaluator.evaluate(policy, shifted=shifted)[0] for shifted in (False, True) for policy in policies * 2]

    found = summaries(threads)
    assert found[:2] == found[2:4]
    assert found[4:6] == found[6:]
    assert len({str(summary) for summary in found}) == 4
    assert found == summaries(1)
