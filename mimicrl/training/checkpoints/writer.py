"""When checkpoints are written."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mimicrl.learning.ppo import MimicPPO
from mimicrl.runs import Run
from mimicrl.training.checkpoints import snapshot, store
from mimicrl.training.checkpoints.record import BEST_POLICY, TrainingRecord
from mimicrl.training.evaluation import Evaluations
from mimicrl.training.reporting.history import History

CHECKPOINT_SECONDS = 600.0


class CheckpointWriter:
    """Writes the checkpoints of a run, by samples and by wall time.

    Args:
        run: The run.
        samples: Samples that earlier attempts took.
        platforms: The platforms it ran on so far, the last one this; see `mimicrl.training.checkpoints.platforms`.
    """

    def __init__(self, run: Run, samples: int, platforms: list[dict[str, Any]]) -> None:
        self._run, self._platforms = run, platforms
        self._saved, self._saved_at = samples, time.monotonic()

    def due(self, samples: int) -> bool:
        """Return whether enough samples were taken, or enough time went by, since the last one."""
        interval = self._run.config.training.save_freq
        return samples // interval > self._saved // interval or time.monotonic() - self._saved_at > CHECKPOINT_SECONDS

    def save(self, model: MimicPPO, evaluations: Evaluations, history: History, seconds: float) -> None:
        """Write a checkpoint unless the last one is of now.

        Args:
            model: The learner, at a rollout boundary.
            evaluations: What its evaluations came to.
            history: Its append-only files, whose lengths go into the checkpoint.
            seconds: Time that training took.
        """
        directory, samples = self._run.training.checkpoints_directory, model.num_timesteps
        if samples == self._saved and store.place(directory, samples).exists():
            return
        history.sync()
        best = evaluations.best_policy
        record = TrainingRecord(
            **snapshot.counters(model),
            evaluation=evaluations.state,
            best_policy=best.description() if best else None,
            offsets=history.offsets(),
            tensorboard=history.tensorboard_lengths(),
            seconds=seconds,
            platforms=self._platforms,
        )
        arrays = snapshot.arrays(model)
        if best:
            arrays[BEST_POLICY] = np.frombuffer(best.weights(), np.uint8)
        store.save(directory, self._run.fingerprint, samples, arrays, record.model_dump(mode="json"))
        self._saved, self._saved_at = samples, time.monotonic()
