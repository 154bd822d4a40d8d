"""The Python interface beside the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mimicrl.config import RunConfig
from mimicrl.mimic.prepare import prepare_run

if TYPE_CHECKING:
    from mimicrl.training.train import Outcome


def train(config: RunConfig, out: Path | str | None = None, *, base: Path | str = ".") -> Outcome:
    """Prepare a run directory and train it, from its newest checkpoint where there is one.

    Args:
        config: The run, for instance from `mimicrl.config.resolve`.
        out: The run directory; by default ``results/STUDY/EXPERIMENT/seed_K``.
        base: Folder that file paths in the configuration are relative to.

    Raises:
        MimicError: See `mimicrl.mimic.prepare.prepare_run` and `mimicrl.training.train.train`.
    """
    from mimicrl.training import train as training  # PyTorch only where something is trained

    path = Path(out or Path("results", config.study, config.experiment, f"seed_{config.seed}"))
    return training.train(prepare_run(config, Path(base), path))
