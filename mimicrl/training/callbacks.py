"""What happens between rollouts: evaluation, checkpoints, progress, and stopping when asked to."""

from __future__ import annotations

import io
import os
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from mimicrl import artifacts, faultpoints, provenance
from mimicrl.errors import Interrupted, InterruptedByUser
from mimicrl.evaluation.metrics import Summary, stable_distance, summarize
from mimicrl.evaluation.rollout import roll_out, start_phases
from mimicrl.mimic import rewards
from mimicrl.mimic.task import Task
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint
from mimicrl.training.logs import JsonLines, TensorBoardWriter, Terminal
from mimicrl.training.ppo import MimicPPO

CHECKPOINT_SECONDS = 600.0
_PROGRESS_SECONDS = 2.0
_DUMPS_KEPT = 3


class Stopwatch:
    """Seconds of training, over all its attempts.

    Args:
        earlier: Seconds that earlier attempts took.
    """

    def __init__(self, earlier: float = 0.0) -> None:
        self._earlier, self._begin = earlier, time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return self._earlier + time.monotonic() - self._begin


def publish(run: RunDirectory, name: Literal["init", "best"], policy: Policy) -> None:
    """Save a policy, also beside the checkpoints: it belongs to their training, whatever the run trains next."""
    policy.save(run.training_directory / "policies" / name)
    policy.save(run.policy_directory(name))


class BoundaryCallback(BaseCallback):
    """Calls `at_boundary` whenever a rollout and its update are complete: the only places training may stop at."""

    model: MimicPPO  # pyright: ignore[reportIncompatibleVariableOverride]

    def at_boundary(self) -> None:
        """Do the work that is due."""

    def _on_rollout_start(self) -> None:
        self.at_boundary()

    def _on_training_end(self) -> None:
        self.at_boundary()

    def _on_step(self) -> bool:
        return True


class EpisodeCallback(BaseCallback):
    """Logs what the training episodes of a rollout were like: reward terms and reasons of their end.

    Args:
        dumps: Folder for the last configurations of episodes in which the physics diverged; the last few are kept.
    """

    def __init__(self, dumps: Path) -> None:
        super().__init__()
        self._dumps = dumps

    def _on_training_start(self) -> None:
        self._episodes: list[dict[str, Any]] = []
        for dump in self._dumps.glob("*.npy"):
            if dump.name[:12] > f"{self.num_timesteps:012d}":  # of samples that are taken again
                dump.unlink()

    def _on_step(self) -> bool:
        self._episodes += [info["mimic"] for info in self.locals["infos"] if "mimic" in info]
        for environment, info in enumerate(self.locals["infos"]):
            if "trace" in info:
                self._dump(environment, info["trace"])
        faultpoints.reach("train.step")
        return True

    def _dump(self, environment: int, trace: np.ndarray) -> None:
        content = io.BytesIO()
        np.save(content, trace, allow_pickle=False)
        artifacts.write_bytes(
            self._dumps / f"{self.num_timesteps:012d}-environment-{environment}.npy", content.getvalue()
        )
        for old in sorted(self._dumps.glob("*.npy"))[:-_DUMPS_KEPT]:
            old.unlink()

    def _on_rollout_end(self) -> None:
        if self._episodes:
            for term in rewards.TERMS:
                self.logger.record(f"reward/{term}", float(np.mean([episode[term] for episode in self._episodes])))
            ends: dict[str, int] = defaultdict(int)
            for episode in self._episodes:
                ends[episode["reason"]] += 1
            for reason in ("time", "tracking", "fall", "diverged"):
                self.logger.record(f"rollout/ended_by_{reason}", ends[reason] / len(self._episodes))
        self._episodes = []
        faultpoints.reach("train.collected")


class LogCallback(BoundaryCallback):
    """Writes one row of metrics an update, with the rollout before it, the update and the evaluation after it."""

    def _on_training_start(self) -> None:
        self._start = self.num_timesteps

    def at_boundary(self) -> None:
        """Write the row, but none before the first update."""
        if self.num_timesteps > self._start:
            self.model.dump_logs()


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
        state: State of an earlier part of the training.
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
        state: dict[str, Any] | None,
    ) -> None:
        super().__init__()
        self._run, self._task, self._about, self._stopwatch = run, task, about, stopwatch
        self._lines, self._terminal = lines, terminal
        self._settings = run.config.evaluation
        self._batch = task.evaluation_batch(self._settings.episodes, self._settings.seconds, threads)
        fresh = {"count": 0, "shifted": False, "best": None, "passed": None, "first_success": None, "seconds": 0.0}
        self.state = state or fresh
        self.last: Summary | None = None

    def at_boundary(self) -> None:
        """Evaluate when the interval is over; several intervals passed at once count as one."""
        faultpoints.reach("train.rollout")
        if self.num_timesteps >= (self.state["count"] + 1) * self._settings.interval:
            self._evaluate()
            self.state["count"] = self.num_timesteps // self._settings.interval

    def _evaluate(self) -> None:
        begin = time.perf_counter()
        settings, speed = self._settings, self._task.reference.speed_mps
        shifted = self.state["shifted"]
        self.state["shifted"] = not shifted
        policy = self.model.export(self._about | {"samples": self.num_timesteps})
        episodes = roll_out(policy, self._batch, start_phases(settings.episodes, shifted=shifted))
        needed = stable_distance(speed, settings.seconds, settings.stable_distance_m)
        self.last = summary = summarize(episodes, needed, speed)
        seconds = time.perf_counter() - begin
        faultpoints.reach("train.evaluated")
        self.state["seconds"] += seconds
        if summary.all_stable and self.state["passed"] is not None and self.state["first_success"] is None:
            self.state["first_success"] = self.state["passed"]
        self.state["passed"] = self.num_timesteps if summary.all_stable else None
        best = self.state["best"]
        if best is None or summary.score > tuple(best["score"]):
            publish(self._run, "best", policy)
            self.state["best"] = {"samples": self.num_timesteps, "score": summary.score, **summary.as_dict()}
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


class CheckpointCallback(BoundaryCallback):
    """Writes checkpoints by samples and by wall time, and the progress file.

    Args:
        run: The run.
        evaluation: Its evaluations.
        lines: The append-only files, by name; their lengths go into the checkpoint.
        terminal: Tells the user.
        stopwatch: Times the training.
        start: Samples that earlier parts of the training took.
        machines: The machines it was on so far, the last one this; see `machine.history`.
    """

    def __init__(
        self,
        run: RunDirectory,
        evaluation: EvaluationCallback,
        lines: dict[str, JsonLines],
        terminal: Terminal,
        stopwatch: Stopwatch,
        start: int,
        machines: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__()
        self._run, self._evaluation, self._lines, self._terminal = run, evaluation, lines, terminal
        self._stopwatch, self._machines = stopwatch, machines
        self._begin = self._saved_at = time.monotonic()
        self._told_at = -np.inf
        self._signal: int | None = None
        self._start = self._saved = start

    def request_stop(self, number: int, _frame: object = None) -> None:
        """Handle a signal: stop at the next boundary; a second signal leaves at once."""
        if self._signal is not None:
            os._exit(128 + number)
        self._signal = number

    def at_boundary(self) -> None:
        """Save when it is due; raise `Interrupted` when a signal came."""
        interval = self._run.config.training.checkpoint_interval
        due = self.num_timesteps // interval > self._saved // interval
        if due or time.monotonic() - self._saved_at > CHECKPOINT_SECONDS:
            self.save()
        self.tell("running")
        if self._signal is not None:
            self.save()
            self.tell("stopped")
            kind = InterruptedByUser if self._signal == signal.SIGINT else Interrupted
            raise kind(
                f"stopped by {signal.Signals(self._signal).name}",
                where=f"after {self.num_timesteps} samples",
                fix="run the same command again to continue",
            )

    def _on_training_end(self) -> None:
        super()._on_training_end()
        self.save()

    def save(self) -> None:
        """Write a checkpoint unless the last one is of now."""
        directory = self._run.training_directory / "checkpoints"
        if self.num_timesteps == self._saved and (directory / f"step-{self._saved:012d}").exists():
            return
        for lines in self._lines.values():
            lines.sync()
        extra = {
            "evaluation": self._evaluation.state,
            "offsets": {name: lines.offset for name, lines in self._lines.items()},
            "tensorboard": self._tensorboard_lengths(),
            "seconds": self._stopwatch.seconds,
            "machines": list(self._machines),
        }
        checkpoint.save(directory, self._run.fingerprint, self.model, extra)
        self._saved, self._saved_at = self.num_timesteps, time.monotonic()

    def _tensorboard_lengths(self) -> dict[str, int]:
        writers = [writer for writer in self.model.logger.output_formats if isinstance(writer, TensorBoardWriter)]
        return writers[0].lengths() if writers else {}

    def finish(self, state: str) -> None:
        """Tell that training has ended; `state` is its outcome."""
        self.num_timesteps = self.model.num_timesteps
        self.tell(state)

    def tell(self, state: str) -> None:
        """Write ``progress.json`` and move the bar; while running at most every two seconds."""
        now = time.monotonic()
        if state == "running" and now - self._told_at < _PROGRESS_SECONDS:
            return
        self._told_at = now
        rate = (self.num_timesteps - self._start) / max(now - self._begin, 1e-9)
        total = self._run.config.training.total_timesteps
        lengths = [episode["l"] for episode in self.model.ep_info_buffer or []]
        last = self._evaluation.last
        artifacts.write_json(
            self._run.progress_file,
            {
                "state": state,
                "samples": self.num_timesteps,
                "total_timesteps": total,
                "steps_per_s": round(rate, 1),
                "eta_s": round(max(0, total - self.num_timesteps) / rate, 1) if rate > 0 else None,
                "last_evaluation": last.as_dict() if last else None,
                "host": provenance.host(),
                "process": os.getpid(),
                "slurm_job": os.environ.get("SLURM_JOB_ID"),
                "updated": provenance.now(),
            },
        )
        length = f"episodes {np.mean(lengths):.0f}" if lengths else ""
        stood = f"stable {last.stable}/{last.episodes}" if last else ""
        self._terminal.update(self.num_timesteps, ", ".join(part for part in (f"{rate:,.0f}/s", length, stood) if part))
