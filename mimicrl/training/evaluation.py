"""Evaluations during training: when they happen, which policy is the best, and when the first success was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mimicrl import faultpoints
from mimicrl.evaluation.evaluator import Evaluator
from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import Run


@dataclass(frozen=True)
class Best:
    """The best evaluation so far.

    Attributes:
        samples: Samples that its policy had learned from.
        summary: Its figures.
    """

    samples: int
    summary: Summary

    def as_json(self) -> dict[str, Any]:
        """Return what ``outcome.json`` tells of it."""
        return {"samples": self.samples, "score": self.summary.score, **self.summary.as_dict()}


@dataclass
class EvaluationState:
    """What evaluations go on from.

    Attributes:
        count: Intervals that are over.
        shifted: Whether the next one starts half a step later.
        best: The best one so far.
        passed: Samples of the last one, where all its episodes were stable.
        first_success: Samples at the first of two such in a row.
        seconds: Time that all took.
    """

    count: int = 0
    shifted: bool = False
    best: Best | None = None
    passed: int | None = None
    first_success: int | None = None
    seconds: float = 0.0

    def note(self, samples: int, summary: Summary) -> bool:
        """Note an evaluation; return whether it is the best so far."""
        self.shifted = not self.shifted
        if summary.all_stable and self.passed is not None and self.first_success is None:
            self.first_success = self.passed
        self.passed = samples if summary.all_stable else None
        if self.best is None or summary.score > self.best.summary.score:
            self.best = Best(samples, summary)
            return True
        return False


class Evaluations:
    """Evaluates the policy every so many samples and keeps the best one.

    Starts alternate between two sets, half a step apart; first success is the first of two 20/20 in a row, and the
    second one then stood from other starts.

    Args:
        run: The run.
        evaluator: Evaluates its policies.
        state: What an earlier part of the training came to …
        best_policy: … and its best policy.

    Attributes:
        state: What the evaluations came to.
        best_policy: The policy of ``state.best``.
        last: The last evaluation of this attempt.
    """

    def __init__(self, run: Run, evaluator: Evaluator, state: EvaluationState, best_policy: Policy | None) -> None:
        self._run, self._evaluator = run, evaluator
        self.state, self.best_policy = state, best_policy
        self.last: Summary | None = None

    def due(self, samples: int) -> bool:
        """Return whether an interval is over."""
        return samples >= (self.state.count + 1) * self._run.config.evaluation.eval_freq

    def evaluate(self, policy: Policy, samples: int) -> dict[str, Any]:
        """Evaluate a policy; several intervals passed at once count as one.

        Args:
            policy: The policy.
            samples: Samples that it has learned from.

        Returns:
            A row of ``evaluations.jsonl``, without the training's clocks.
        """
        shifted = self.state.shifted
        self.last, seconds = self._evaluator.evaluate(policy, shifted=shifted)
        faultpoints.reach("train.evaluated")
        self.state.count = samples // self._run.config.evaluation.eval_freq
        self.state.seconds += seconds
        if self.state.note(samples, self.last):
            # For others to look at; what counts is the one that goes into the next checkpoint.
            self.best_policy = policy
            policy.save(self._run.policy_directory("best"))
        return {"samples": samples, "shifted_starts": shifted, "seconds": seconds, **self.last.as_dict()}
