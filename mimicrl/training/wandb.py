"""Weights & Biases, when asked for: in a thread of its own, so that it can neither stop nor delay a run."""

from __future__ import annotations

import contextlib
import importlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

from mimicrl.config import RunConfig

_CLOSE_SECONDS = 10.0
_Message = dict[str, Any] | None


class WandbWriter(KVWriter):
    """Passes metrics on to a thread that talks to W&B; if that fails, one warning is all that happens.

    Args:
        config: The run.
        folder: Where W&B keeps its files.
        warn: Tells the user of a failure.
    """

    def __init__(self, config: RunConfig, folder: Path, warn: Callable[[str], None]) -> None:
        self._config, self._folder, self._warn = config, folder, warn
        self._queue: queue.Queue[_Message] = queue.Queue(maxsize=10_000)
        self._thread = threading.Thread(target=self._work, daemon=True, name="wandb")
        self._thread.start()

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Hand over a row; it is dropped where W&B does not keep up."""
        row = {key: float(value) for key, value in key_values.items() if isinstance(value, int | float)}
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait({"samples": step, **row})

    def close(self) -> None:
        """Give W&B a few seconds to finish."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
        self._thread.join(_CLOSE_SECONDS)

    def _work(self) -> None:
        try:
            self._send()
        except Exception as error:  # whatever W&B raises, training goes on
            self._warn(f"W&B is off for this run: {type(error).__name__}: {error}")

    def _send(self) -> None:
        wandb = importlib.import_module("wandb")
        config = self._config
        self._folder.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            project=config.logging.wandb_project,
            group=f"{config.study}/{config.experiment}",
            name=f"{config.study}-{config.experiment}-seed{config.seed}",
            config=config.model_dump(mode="json"),
            mode=config.logging.wandb,
            dir=str(self._folder),
            settings={"console": "off", "silent": True},  # the terminal is the run's own
        )
        while (row := self._queue.get()) is not None:
            run.log(row, step=row["samples"])
        run.finish()
