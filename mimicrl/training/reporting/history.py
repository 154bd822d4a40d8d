"""The history of a training: its append-only files, and the logger that writes to them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from pydantic import NonNegativeInt
from stable_baselines3.common.logger import KVWriter, Logger

from mimicrl import artifacts
from mimicrl.runs import Run
from mimicrl.training.reporting.json_lines import JsonLines, read_json_lines
from mimicrl.training.reporting.metrics import MetricsWriter
from mimicrl.training.reporting.tensorboard import TensorBoardWriter
from mimicrl.training.reporting.wandb import WandbWriter


@dataclass(frozen=True)
class Offsets:
    """Lengths of the JSON lines [byte], one an append-only file."""

    metrics: NonNegativeInt
    evaluations: NonNegativeInt


class History:
    """Metrics and evaluations as JSON lines, TensorBoard's files and Weights & Biases.

    Args:
        run: The run.
        offsets: Lengths that the JSON lines are cut back to, those that a checkpoint knows.
        tensorboard: Length of each of TensorBoard's files [byte] to cut back to, by name.
        say: Tells the user.

    Attributes:
        evaluations: Takes one row per evaluation.
        metrics: Has one row per update; the logger writes them.
        logger: Stable-Baselines3's logger.

    Raises:
        ArtifactError: A file is shorter than the checkpoint knows, or damaged.
    """

    def __init__(self, run: Run, offsets: Offsets, tensorboard: dict[str, int], say: Callable[[str], None]) -> None:
        with contextlib.ExitStack() as opened:  # closes what is open already when something fails here
            self.metrics = JsonLines(run.training.metrics_file, offsets.metrics)
            opened.callback(self.metrics.close)
            self.evaluations = JsonLines(run.training.evaluations_file, offsets.evaluations)
            opened.callback(self.evaluations.close)
            # Damage is told now, not when all is done.
            earlier, _ = (read_json_lines(lines.path) for lines in (self.metrics, self.evaluations))
            writers: list[KVWriter] = [MetricsWriter(self.metrics)]
            self._tensorboard = None
            if run.config.logging.tensorboard:
                self._tensorboard = TensorBoardWriter(run.tensorboard_directory, tensorboard)
                writers.append(self._tensorboard)
            self.logger = Logger(None, writers)  # type: ignore[arg-type]  # a list of any writers
            opened.callback(self.logger.close)
            if run.config.logging.wandb != "disabled":
                self.logger.output_formats.append(
                    WandbWriter(run.config, run.training.wandb_directory, say, earlier)  # type: ignore[arg-type]
                )
            self._opened = opened.pop_all()

    def offsets(self) -> Offsets:
        """Return the lengths of the JSON lines."""
        return Offsets(self.metrics.offset, self.evaluations.offset)

    def tensorboard_lengths(self) -> dict[str, int]:
        """Return the length of each of TensorBoard's files [byte], by name."""
        return self._tensorboard.lengths() if self._tensorboard else {}

    def sync(self) -> None:
        """Make sure that the JSON lines survive a loss of power."""
        self.metrics.sync()
        self.evaluations.sync()

    def write_tables(self, run: Run) -> None:
        """Write the JSON lines as the run's tables."""
        for file, lines in ((run.metrics_file, self.metrics), (run.evaluations_file, self.evaluations)):
            artifacts.write_bytes(file, artifacts.parquet_bytes(pd.DataFrame(read_json_lines(lines.path))))

    def close(self) -> None:
        """Close everything, also where closing one thing fails."""
        self._opened.close()
