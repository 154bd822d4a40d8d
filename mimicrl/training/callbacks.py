"""What Stable-Baselines3 calls during rollouts, which logs their episodes, and between them."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from mimicrl import artifacts, faultpoints

_DUMPS_KEPT = 3


class BoundaryCallback(BaseCallback):
    """Calls a function whenever a rollout and its update are complete: the only places training may stop at.

    Args:
        at_boundary: The function.
    """

    def __init__(self, at_boundary: Callable[[], None]) -> None:
        super().__init__()
        self._at_boundary = at_boundary

    def _on_rollout_start(self) -> None:
        self._at_boundary()

    def _on_training_end(self) -> None:
        self._at_boundary()

    def _on_step(self) -> bool:
        return True


class EpisodeCallback(BaseCallback):
    """Logs what the training episodes of a rollout were like: reward terms and reasons of their end.

    Args:
        dumps: Folder for the last configurations of episodes in which the physics diverged; the last few are kept.
        reasons: Why an episode may end.
    """

    def __init__(self, dumps: Path, reasons: Sequence[str]) -> None:
        super().__init__()
        self._dumps, self._reasons = dumps, reasons

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
            for term in self._episodes[0]["reward"]:
                mean = np.mean([episode["reward"][term] for episode in self._episodes])
                self.logger.record(f"reward/{term}", float(mean))
            ends = Counter(episode["reason"] for episode in self._episodes)
            for reason in self._reasons:
                self.logger.record(f"rollout/ended_by_{reason}", ends[reason] / len(self._episodes))
        self._episodes = []
        faultpoints.reach("train.collected")
