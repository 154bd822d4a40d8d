"""The configurations that episodes went through, to be shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch


class Episode(NamedTuple):
    """One episode, one row per control step; its start, a state of the reference, is not part of it.

    Attributes:
        qpos: Configurations, shape ``(T, nq)``.
        phase: Where the reference was, shape ``(T,)``.
    """

    qpos: Array
    phase: Array


class Trace:
    """Notes every step of a rollout: ``roll_out(…, watch=trace.watch)``."""

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []
        self._qpos: list[Array] = []
        self._phase: list[Array] = []

    def watch(self, batch: MimicBatch, rows: np.ndarray, state: BodyState) -> None:
        """Note a step."""
        self._rows.append(rows.copy())
        self._qpos.append(batch.simulation.qpos[rows])
        self._phase.append(batch.phase[rows])

    def episode(self, index: int) -> Episode:
        """Return an episode by its row; its arrays are empty where nothing finite was seen."""
        seen = [(step, np.flatnonzero(rows == index)) for step, rows in enumerate(self._rows)]
        places = [(step, int(found[0])) for step, found in seen if len(found)]
        width = self._qpos[0].shape[1] if self._qpos else 0
        return Episode(
            np.array([self._qpos[step][place] for step, place in places]).reshape(len(places), width),
            np.array([self._phase[step][place] for step, place in places]),
        )
