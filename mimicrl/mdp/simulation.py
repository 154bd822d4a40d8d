"""N simulations of one model, stepped together by MuJoCo's own thread pool."""

from __future__ import annotations

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError


class BatchSimulation:
    """A thin layer over `mujoco.batch.Batch` that keeps to what the MDP needs.

    Args:
        model: The model; copied, so later edits have no effect.
        count: Number of simulations N.
        threads: Threads of the pool; any number gives the same bits.

    Attributes:
        qpos: Live view, shape ``(N, nq)``.
        qvel: Live view, shape ``(N, nv)``.
        ctrl: Live view, shape ``(N, nu)``.
        site_xpos: World positions of the sites, current after every step, read-only, shape ``(N, nsite, 3)``.
    """

    def __init__(self, model: mujoco.MjModel, count: int, threads: int) -> None:
        # A persistent batch goes on from the velocity stage. So the sites are current at no extra cost.
        self._batch = Batch(model, count, nthread=threads, persistent=True)
        self.qpos = self._batch.bind("qpos")
        self.qvel = self._batch.bind("qvel")
        self.ctrl = self._batch.bind("ctrl")
        self.site_xpos = self._batch.bind("site_xpos")
        self._warmstart = self._batch.bind("qacc_warmstart")
        self._time = self._batch.bind("time")
        self._model, self._data = model, mujoco.MjData(model)

    @property
    def state(self) -> np.ndarray:
        """Every simulation's complete state (``mjSTATE_INTEGRATION``), a live view, shape ``(N, nstate)``."""
        return self._batch.state

    def step(self, substeps: int, ids: np.ndarray | None = None) -> list[int]:
        """Advance simulations with their controls held.

        Args:
            substeps: Number of physics steps.
            ids: Sorted indices of the simulations to step, or None for all.

        Returns:
            The simulations in which MuJoCo raised an error. They keep the state that they had before the step.
        """
        try:
            self._batch.step(ids, nstep=substeps, stage=mujoco.mjtStage.mjSTAGE_VEL)
        except SimulationError as error:
            return [int(number) for number in error.ids]
        return []

    def reset(self, ids: np.ndarray, qpos: np.ndarray, qvel: np.ndarray) -> None:
        """Start simulations afresh, as ``mj_resetData`` followed by writes would, bitwise."""
        self.qpos[ids] = qpos
        self.qvel[ids] = qvel
        self.ctrl[ids] = 0.0
        self._warmstart[ids] = 0.0
        self._time[ids] = 0.0

    def sites(self, qpos: np.ndarray) -> np.ndarray:
        """Return the world positions [m] of all sites at configurations ``(N, nq)``, shape ``(N, nsite, 3)``."""
        positions = np.empty((len(qpos), self._model.nsite, 3))
        for row, configuration in enumerate(qpos):
            self._data.qpos[:] = configuration
            mujoco.mj_kinematics(self._model, self._data)
            positions[row] = self._data.site_xpos
        return positions
