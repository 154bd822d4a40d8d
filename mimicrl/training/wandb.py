"""Weights & Biases, when asked for: in a thread of its own, so that it can neither stop nor delay a run."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter

from mimicrl import artifacts
from mimicrl.config import RunConfig
from mimicrl.training.logs import row_of

_CLOSE_SECONDS = 10.0
_Message = dict[str, float] | None


class WandbWriter(KVWriter):
    """Passes metrics on to a thread that talks to W&B; if that fails, one warning is all that happens.

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
        self._config, self._folder, self._warn, self._history = config, folder, warn, history
        self._queue: queue.Queue[_Message] = queue.Queue(maxsize=10_000)
        self._thread = threading.Thread(target=self._work, daemon=True, name="wandb")
        self._thread.start()

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Hand over a row; it is dropped where W&B does not keep up."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(row_of(key_values, step))

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
        run = wandb.init(
            id=self._identity(),
            resume="allow",
            project=config.logging.wandb_project,
            group=f"{config.study}/{config.experiment}",
            name=f"{config.study}-{config.experiment}-seed{config.seed}",
            config=config.model_dump(mode="json"),
            mode=config.logging.wandb,
            dir=str(self._folder),
            settings={"console": "off", "silent": True},  # the terminal is the run's own
        )
        rows = itertools.chain(self._history, iter(self._queue.get, None))
        for row in rows:
            if row["samples"] >= run.step:
                run.log(row, step=int(row["samples"]))
        run.finish()

    def _identity(self) -> str:
        """Return what names this training there; one that starts from nothing is another one."""
        file = self._folder / "id.txt"
        if not (self._history and file.exists()):
            artifacts.write_bytes(file, secrets.token_hex(4).encode())
        return file.read_text(encoding="utf-8")
