"""The Python interface beside the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mimicrl.config import RunConfig
from mimicrl.runs import Run
from mimicrl.stages.init import init_run
from mimicrl.stages.stage import working
from mimicrl.stages.train import train_run

if TYPE_CHECKING:
    from mimicrl.runs.records import Outcome


def prepare(config: RunConfig, out: Path | str, *, base: Path | str = ".") -> Run:
    """Write a run directory, as `mimicrl init` does.

    Args:
        config: The run, for instance from `mimicrl.config.resolve`.
        out: The run directory.
        base: Folder that file paths in the configuration are relative to.

    Raises:
        MimicError: See `mimicrl.stages.init.init_run`.
    """
    with working("init") as work:
        return init_run(work, config, Path(base), Path(out))


def train(config: RunConfig, out: Path | str | None = None, *, base: Path | str = ".") -> Outcome:
    """Prepare a run directory and train it, from its newest checkpoint where there is one.

    Args:
        config: The run; see `prepare`.
        out: The run directory; by default ``results/STUDY/EXPERIMENT/seed_K``.
        base: See `prepare`.

    Raises:
        MimicError: See `prepare` and `mimicrl.stages.train.train_run`.
    """
    path = Path(out or Path("results", config.study, config.experiment, f"seed_{config.seed}"))
    run = prepare(config, path, base=base)
    with working("train") as work:
        return train_run(work, run)
