"""When checkpoints are written, and what goes into them besides the learner."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pydantic
from pydantic import NonNegativeFloat, NonNegativeInt

from mimicrl.errors import ArtifactError
from mimicrl.policy import Policy
from mimicrl.runs import RunDirectory
from mimicrl.training import checkpoint, stopping
from mimicrl.training.callbacks import BoundaryCallback
from mimicrl.training.checkpoint import Checkpoint
from mimicrl.training.evaluation import EvaluationCallback, EvaluationState
from mimicrl.training.logs import JsonLines, TensorBoardWriter
from mimicrl.training.progress import Progress, Stopwatch
from mimicrl.training.stopping import StopRequest

CHECKPOINT_SECONDS = 600.0
_PATIENCE_S = 60.0  # a checkpoint may wait for an evaluation: what a crash then costs more
_BEST = "best_policy"


@dataclass(frozen=True)
class Offsets:
    """Lengths of the training's history [byte], one an append-only file."""

    metrics: NonNegativeInt
    evaluations: NonNegativeInt


@dataclass(frozen=True)
class Extra:
    """What a checkpoint holds besides the learner.

    Attributes:
        evaluation: What evaluations came to.
        best_policy: ``policy.json`` of the best policy; its weights are an array of the checkpoint.
        offsets: Lengths of the history.
        tensorboard: Length of each of TensorBoard's files [byte], by name.
        seconds: Time that training took.
        machines: The machines it was on, the last one at its end; see `machine.history`.
    """

    evaluation: EvaluationState
    best_policy: dict[str, Any] | None
    offsets: Offsets
    tensorboard: dict[str, NonNegativeInt]
    seconds: NonNegativeFloat
    machines: list[dict[str, Any]]


_EXTRA = pydantic.TypeAdapter(Extra)


def fresh() -> Extra:
    """Return what a training begins with."""
    return Extra(EvaluationState(), None, Offsets(0, 0), {}, 0.0, [])


def read(found: Checkpoint) -> tuple[Extra, Policy | None]:
    """Return what a checkpoint holds besides the learner, and the best policy by then.

    Raises:
        ArtifactError: It is of another shape.
    """
    try:
        extra = _EXTRA.validate_json(json.dumps(found.state["extra"]), strict=True)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, ('extra', *first['loc'])))}: {first['msg']}"
        raise _damaged(found, got) from error
    if asdict(extra) != found.state["extra"]:
        raise _damaged(found, "entries that are unknown or missing")
    if extra.evaluation.best is None and extra.best_policy is None:
        return extra, None
    weights = found.arrays.get(_BEST)
    if extra.evaluation.best is None or extra.best_policy is None or weights is None:
        raise _damaged(found, "a part of the best policy")
    policy = Policy.parse(weights.tobytes(), extra.best_policy, found.path)
    if policy.about.get("samples") != extra.evaluation.best.samples:
        raise _damaged(found, f"the best policy after {policy.about.get('samples')} samples")
    return extra, policy


def _damaged(found: Checkpoint, got: str) -> ArtifactError:
    return ArtifactError(
        "a checkpoint's counters are damaged", where=found.path, got=got, fix="start from nothing with --resume never"
    )


class CheckpointCallback(BoundaryCallback):
    """Writes checkpoints by samples and by wall time, and stops where a signal asked to.

    Args:
        run: The run.
        evaluation: Its evaluations.
        lines: The append-only files ``metrics`` and ``evaluations``; their lengths go into the checkpoint.
        stopwatch: Times the training.
        progress: Tells how far it is.
        stop: Whether a signal has asked to stop.
        start: Samples that earlier attempts took.
        machines: The machines it was on so far, the last one this; see `machine.history`.
    """

    def __init__(
        self,
        run: RunDirectory,
        evaluation: EvaluationCallback,
        lines: dict[str, JsonLines],
        stopwatch: Stopwatch,
        progress: Progress,
        stop: StopRequest,
        start: int,
        machines: list[dict[str, Any]],
    ) -> None:
        super().__init__()
        self._run, self._evaluation, self._lines, self._machines = run, evaluation, lines, machines
        self._stopwatch, self._progress, self._stop = stopwatch, progress, stop
        self._saved, self._saved_at = start, time.monotonic()
        self._due_at: float | None = None  # since when a checkpoint waits for an evaluation

    def at_boundary(self) -> None:
        """Save when it is due; raise `Interrupted` when a signal came."""
        self._evaluation.collect(wait=False)
        interval = self._run.config.training.checkpoint_interval
        due = self.num_timesteps // interval > self._saved // interval
        if due or time.monotonic() - self._saved_at > CHECKPOINT_SECONDS:
            self._save_soon()
        self.tell("running")
        if self._stop.number is not None:
            self.save()
            self.tell("stopped")
            raise stopping.interruption(self._stop.number, f"after {self.num_timesteps} samples")

    def _on_training_end(self) -> None:
        super()._on_training_end()
        self.save()

    def _save_soon(self) -> None:
        """Save, but let training go on while an evaluation is under way, for a minute at most."""
        if self._due_at is None:
            self._due_at = time.monotonic()
        if not self._evaluation.under_way or time.monotonic() - self._due_at > _PATIENCE_S:
            self.save()

    def save(self) -> None:
        """Write a checkpoint unless the last one is of now; it knows the result of every evaluation begun."""
        self._evaluation.collect(wait=True)
        directory = self._run.training_directory / "checkpoints"
        if self.num_timesteps == self._saved and (directory / f"step-{self._saved:012d}").exists():
            return
        for lines in self._lines.values():
            lines.sync()
        best = self._evaluation.best_policy
        extra = Extra(
            evaluation=self._evaluation.state,
            best_policy=best.description() if best else None,
            offsets=Offsets(**{name: lines.offset for name, lines in self._lines.items()}),
            tensorboard=self._tensorboard_lengths(),
            seconds=self._stopwatch.seconds,
            machines=self._machines,
        )
        arrays = {_BEST: np.frombuffer(best.weights(), np.uint8)} if best else {}
        checkpoint.save(directory, self._run.fingerprint, self.model, asdict(extra), arrays)
        self._saved, self._saved_at, self._due_at = self.num_timesteps, time.monotonic(), None

    def _tensorboard_lengths(self) -> dict[str, int]:
        writers = [writer for writer in self.model.logger.output_formats if isinstance(writer, TensorBoardWriter)]
        return writers[0].lengths() if writers else {}

    def finish(self, state: str) -> None:
        """Tell that training has ended; `state` is its outcome."""
        self.num_timesteps = self.model.num_timesteps
        self.tell(state)

    def tell(self, state: str) -> None:
        """Tell how far training is."""
        lengths = [episode["l"] for episode in self.model.ep_info_buffer or []]
        self._progress.tell(state, self.num_timesteps, self._evaluation.last, lengths)
