"""Evaluations during training: when they happen, which policy is the best, and when the first success was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from mimicrl import faultpoints
from mimicrl.evaluation.metrics import Summary, stable_distance, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.mimic.task import Task
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training.callbacks import BoundaryCallback
from mimicrl.training.logs import JsonLines, Terminal
from mimicrl.training.progress import Stopwatch


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

    The evaluation has simulations of its own and draws no random number, so it changes nothing in training. Starts
    alternate between two sets, half a step apart; first success is the first of two 20/20 in a row, and the
    second one then stood from other starts.

    Args:
        run: The run.
        task: Its task.
        about: What ``policy.json`` tells besides.
        lines: Takes a row an evaluation.
        terminal: Tells the user.
        threads: Threads of the physics.
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
        task: Task,
        about: dict[str, Any],
        lines: JsonLines,
        terminal: Terminal,
        threads: int,
        stopwatch: Stopwatch,
        state: EvaluationState,
        best_policy: Policy | None,
    ) -> None:
        super().__init__()
        self._run, self._task, self._about, self._stopwatch = run, task, about, stopwatch
        self._lines, self._terminal = lines, terminal
        self._settings = run.config.evaluation
        self._batch = task.evaluation_batch(self._settings.episodes, self._settings.seconds, threads)
        self.state, self.best_policy = state, best_policy
        self.last: Summary | None = None

    def at_boundary(self) -> None:
        """Evaluate when the interval is over; several intervals passed at once count as one."""
        faultpoints.reach("train.rollout")
        if self.num_timesteps >= (self.state.count + 1) * self._settings.interval:
            self._evaluate()
            self.state.count = self.num_timesteps // self._settings.interval

    def _evaluate(self) -> None:
        begin = time.perf_counter()
        settings, speed, shifted = self._settings, self._task.reference.speed_mps, self.state.shifted
        policy = self.model.export(self._about | {"samples": self.num_timesteps})
        episodes = roll_out(policy, self._batch, start_phases(settings.episodes, shifted=shifted))
        needed = stable_distance(speed, settings.seconds, settings.stable_distance_m)
        self.last = summary = summarize(episodes, needed, speed)
        seconds = time.perf_counter() - begin
        faultpoints.reach("train.evaluated")
        self.state.seconds += seconds
        if self.state.note(self.num_timesteps, summary):
            # For others to look at; what counts is the one that goes into the next checkpoint.
            self.best_policy = policy
            policy.save(self._run.policy_directory("best"))
        self._lines.append(
            {
                "samples": self.num_timesteps,
                "shifted_starts": shifted,
                "seconds": seconds,
                "training_seconds": self._stopwatch.seconds,
                "cpu_seconds": time.process_time(),
                **summary.as_dict(),
            }
        )
        for name, value in summary.as_dict().items():
            self.logger.record(f"eval/{name}", value)
        self._terminal.say(f"{self.num_timesteps:>9,} samples: {summary.describe()}")
