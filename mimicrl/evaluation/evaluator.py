"""Evaluations in the course of a training: one policy at a time, on simulations of their own."""

from __future__ import annotations

import time

from mimicrl.config import EvaluationConfig
from mimicrl.envs.task import Task
from mimicrl.evaluation.metrics import Summary, judge, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.policy import Policy


class Evaluator:
    """Evaluates policies; it draws no random number and touches nothing of a training.

    Args:
        task: The task.
        settings: How policies are evaluated.
        threads: Threads of the physics; any number gives the same result.
    """

    def __init__(self, task: Task, settings: EvaluationConfig, threads: int = 1) -> None:
        self._settings = settings
        self._batch = task.evaluation_batch(settings.episodes, settings.seconds, threads)

    def evaluate(self, policy: Policy, *, shifted: bool) -> tuple[Summary, float]:
        """Evaluate a policy.

        Args:
            policy: The policy.
            shifted: Whether to take the starts half a step later.

        Returns:
            Its figures, and how long the evaluation took [s].
        """
        begin, settings = time.perf_counter(), self._settings
        episodes = roll_out(policy, self._batch, start_phases(settings.episodes, shifted=shifted))
        return summarize(judge(episodes, settings)), time.perf_counter() - begin
