"""Evaluating policies by a protocol, one policy at a time. The simulations are separate from those of training."""

from __future__ import annotations

import time

from mimicrl.envs.task import Task
from mimicrl.evaluation.metrics import Evaluation, Summary, judge, summarize
from mimicrl.evaluation.rollout import Watch, roll_out
from mimicrl.policy import Policy
from mimicrl.protocols import Protocol


class Evaluator:
    """Evaluates policies. It draws no random number and does not change the state of a training.

    Args:
        task: The task.
        protocol: How policies are evaluated.
        threads: Threads of the physics; any number gives the same result.
    """

    def __init__(self, task: Task, protocol: Protocol, threads: int = 1) -> None:
        self._protocol = protocol
        self._batch = task.evaluation_batch(protocol.episodes, protocol.seconds, threads)

    def episodes(self, policy: Policy, *, shifted: bool = False, watch: Watch | None = None) -> Evaluation:
        """Return the episodes of a policy.

        Args:
            policy: The policy.
            shifted: Whether to use the protocol's second set of starts.
            watch: Called after every step.
        """
        starts = self._protocol.start_phases(shifted=shifted)
        return judge(roll_out(policy, self._batch, starts, watch), self._protocol)

    def evaluate(self, policy: Policy, *, shifted: bool) -> tuple[Summary, float]:
        """Evaluate a policy; return the summary of its episodes and the duration of the evaluation [s]."""
        begin = time.perf_counter()
        return summarize(self.episodes(policy, shifted=shifted)), time.perf_counter() - begin
