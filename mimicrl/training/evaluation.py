"""Evaluations during training: when they happen, which policy is the best, and when the first success was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from mimicrl import faultpoints
from mimicrl.evaluation.evaluator import Evaluator
from mimicrl.evaluation.metrics import Summary
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training.callbacks import BoundaryCallback
from mimicrl.training.logs import JsonLines, Terminal
from mimicrl.training.progress import Stopwatch
from mimicrl.training.rows import OrderedLogger


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


class EvaluationCallback(BoundaryCallback):
    """Evaluates the policy every so many samples and keeps the best one.

    The evaluation has simulations of its own and draws no random number, so it changes nothing in training, which goes
    on while its result is under way. Starts alternate between two sets, half a step apart; first success is the first
    of two 20/20 in a row, and the second one then stood from other starts. A row's ``training_seconds`` and
    ``cpu_seconds`` are of the moment its result was known, at the first boundary after that.

    Args:
        run: The run.
        evaluator: Evaluates its policies.
        about: What ``policy.json`` tells besides.
        lines: Takes a row an evaluation.
        terminal: Tells the user.
        stopwatch: Times the training.
        state: What an earlier part of the training came to …
        best_policy: … and its best policy.

    Attributes:
        state: What it came to.
        best_policy: The policy of ``state.best``.
        last: The last evaluation of this attempt.
    """

    def __init__(
        self,
        run: RunDirectory,
        evaluator: Evaluator,
        about: dict[str, Any],
        lines: JsonLines,
        terminal: Terminal,
        stopwatch: Stopwatch,
        state: EvaluationState,
        best_policy: Policy | None,
    ) -> None:
        super().__init__()
        self._run, self._evaluator, self._about, self._stopwatch = run, evaluator, about, stopwatch
        self._lines, self._terminal = lines, terminal
        self._submitted: tuple[int, Policy] | None = None
        self.state, self.best_policy = state, best_policy
        self.last: Summary | None = None

    def at_boundary(self) -> None:
        """Begin an evaluation when the interval is over; several intervals passed at once count as one."""
        faultpoints.reach("train.rollout")
        interval = self._run.config.evaluation.interval
        if self.num_timesteps >= (self.state.count + 1) * interval:
            self.collect(wait=True)
            policy = self.model.export(self._about | {"samples": self.num_timesteps})
            self._submitted = self.num_timesteps, policy
            self._rows.hold()
            self._evaluator.submit(policy, shifted=self.state.shifted)
            self.state.count = self.num_timesteps // interval

    @property
    def under_way(self) -> bool:
        """Whether the result of an evaluation is to be collected."""
        return self._submitted is not None

    def collect(self, *, wait: bool) -> None:
        """Take in the result of the evaluation under way.

        Args:
            wait: Wait for it, as whoever needs all results so far must.

        Raises:
            WorkerDied: The process that evaluates has ended.
        """
        if self._submitted is None or (result := self._evaluator.result(wait=wait)) is None:
            return
        (samples, policy), self._submitted = self._submitted, None
        self.last = summary = result.summary
        shifted = self.state.shifted
        faultpoints.reach("train.evaluated")
        self.state.seconds += result.seconds
        if self.state.note(samples, summary):
            # For others to look at; what counts is the one that goes into the next checkpoint.
            self.best_policy = policy
            policy.save(self._run.policy_directory("best"))
        self._lines.append(
            {
                "samples": samples,
                "shifted_starts": shifted,
                "seconds": result.seconds,
                "training_seconds": self._stopwatch.seconds,
                "cpu_seconds": time.process_time() + result.cpu_seconds,
                **summary.as_dict(),
            }
        )
        self._rows.release({f"eval/{name}": value for name, value in summary.as_dict().items()})
        self._terminal.say(f"{samples:>9,} samples: {summary.describe()}")

    def finish(self) -> None:
        """Take in the last result and end what evaluates; there are no more evaluations."""
        self.collect(wait=True)
        self._evaluator.close()

    @property
    def _rows(self) -> OrderedLogger:
        assert isinstance(self.logger, OrderedLogger)
        return self.logger
