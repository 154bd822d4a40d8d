"""Evaluations in the course of a training: one policy at a time, on simulations of their own."""

from __future__ import annotations

import time

from mimicrl.envs.task import Task
from mimicrl.evaluation.metrics import Summary, judge, summarize
from mimicrl.evaluation.rollout import roll_out
from mimicrl.policy import Policy
from mimicrl.protocols import Protocol


class Evaluator:
    """Evaluates policies; it draws no random number and touches nothing of a training.

    Args:
        task: The task.
        protocol: How policies are evaluated.
        threads: Threads of the physics; any number gives the same result.
    """

    def __init__(self, task: Task, protocol: Protocol, threads: int = 1) -> None:
        self._protocol = protocol
        self._batch = task.evaluation_batch(protocol.episodes, protocol.seconds, threads)

    def evaluate(self, policy: Policy, *, shifted: bool) -> tuple[Summary, float]:
        """Evaluate a policy.

        Args:
            policy: The policy.
            shifted: Whether to take the starts half a step later.

        Returns:
            Its figures, and how long the evaluation took [s].
        """
        begin = time.perf_counter()
        episodes = roll_out(policy, self._batch, self._protocol.start_phases(shifted=shifted))
        return summarize(judge(episodes, self._protocol)), time.perf_counter() - begin
