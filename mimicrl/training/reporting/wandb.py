"""Weights & Biases, when asked for: it can cost a run twenty seconds and a warning, and nothing else."""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

from mimicrl import artifacts
from mimicrl.config import RunConfig
from mimicrl.training.reporting.metrics import row_of

# How long W&B may take to begin and to finish. With its import, neither delays a run by more than ten seconds.
_INIT_SECONDS = 8.0
_FINISH_SECONDS = 8.0
# Its own reports of errors and its greetings: without a network the former delay the exit by twelve seconds.
_QUIET = {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}


class WandbWriter(KVWriter):
    """Passes metrics on to W&B's own process; when that fails, one warning says why and no more is sent.

    A training that goes on is the same run there: rows that a killed process had not sent yet are sent first, and
    those that W&B has already are not sent again.

    Args:
        config: The run.
        folder: Where W&B keeps its files.
        warn: Tells the user of a failure.
        history: The rows of the training so far.
    """

    def __init__(
        self,
        config: RunConfig,
        folder: Path,
        warn: Callable[[str], None],
        history: Sequence[dict[str, float]] = (),
    ) -> None:
        self._warn = warn
        self._run: Any = None
        self._try(lambda: self._begin(config, folder, history))

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Hand a row over."""
        if self._run is not None:
            self._try(lambda: self._log(row_of(key_values, step)))

    def close(self) -> None:
        """Give W&B a few seconds to send what is left."""
        if self._run is not None:
            self._try(self._run.finish)
            self._run = None

    def _begin(self, config: RunConfig, folder: Path, history: Sequence[dict[str, float]]) -> None:
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        wandb = importlib.import_module("wandb")
        if config.logging.wandb == "online" and not wandb.login(
            prompt=False, verify=False
        ):  # `init` would wait for an answer
            raise RuntimeError("no API key, see `wandb login`")
        self._run = wandb.init(
            id=_identity(folder, bool(history)),
            resume="allow",
            project=config.logging.wandb_project,
            group=f"{config.study}/{config.experiment}",
            name=f"{config.study}-{config.experiment}-seed{config.seed}",
            config=config.model_dump(mode="json"),
            mode=config.logging.wandb,
            dir=str(folder),
            settings={
                "console": "off",  # the terminal is the run's own
                "init_timeout": _INIT_SECONDS,
                "finish_timeout": _FINISH_SECONDS,
                "finish_timeout_raises": True,
            },
        )
        self._first = self._run.step  # W&B has the rows before
        for row in history:
            self._log(row)

    def _log(self, row: dict[str, float]) -> None:
        if row["samples"] >= self._first:
            self._run.log(row, step=int(row["samples"]))

    def _try(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception as error:  # whatever W&B raises, training goes on
            self._run = None
            reason = " ".join(str(error).split()) or "it gave no reason"
            self._warn(f"warning: W&B is off for this run: {type(error).__name__}: {reason}")


def _identity(folder: Path, goes_on: bool) -> str:
    """Return what names this training there; one that starts from nothing is another one."""
    file = folder / "id.txt"
    if not (goes_on and file.exists()):
        artifacts.write_bytes(file, secrets.token_hex(4).encode())
    return file.read_text(encoding="utf-8")
