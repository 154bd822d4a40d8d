"""The physics limit: only `mujoco.batch.Batch.step`, through the same states as the environment.

The environment is stepped once with noisy actions. Its controls at each step and its states at each reset are recorded.
Written into a bare batch in the same order, they lead to the same states, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import mujoco
import numpy as np
from mujoco.batch import Batch

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.step import MimicBatch


class Reset(NamedTuple):
    """Simulations that are reset after a step.

    Attributes:
        ids: Their indices, shape ``(R,)``.
        qpos: Shape ``(R, nq)``.
        qvel: Shape ``(R, nv)``.
    """

    ids: np.ndarray
    qpos: Array
    qvel: Array


@dataclass(frozen=True, eq=False)
class Record:
    """T control steps of N simulations.

    Attributes:
        start: Complete states before the first step, shape ``(N, nstate)``.
        controls: Shape ``(T, N, nu)``.
        resets: One per step.
        substeps: Physics steps in each step.
    """

    start: Array
    controls: Array
    resets: list[Reset]
    substeps: int


def record(batch: MimicBatch, actions: np.ndarray) -> Record:
    """Step simulations, reset those that end, and record what the physics needs to repeat it.

    Args:
        batch: The simulations.
        actions: Shape ``(T, N, J)``.
    """
    simulation = batch.simulation
    start, controls, resets = simulation.state.copy(), [], []
    for action in actions:
        step = batch.step(action)
        controls.append(simulation.ctrl.copy())
        ended = np.flatnonzero(step.terminated | step.truncated)
        if len(ended):
            batch.reset(ended)
        resets.append(Reset(ended, simulation.qpos[ended].copy(), simulation.qvel[ended].copy()))
    return Record(start, np.array(controls), resets, batch.substeps)


class PhysicsLimit:
    """Repeats a record again and again.

    Args:
        model: The walker's model.
        record: The record.
        threads: Threads of the physics.
        current: Also compute current positions of the end effectors after each step, as the environment does.
    """

    def __init__(self, model: mujoco.MjModel, record: Record, threads: int, *, current: bool = False) -> None:
        # The environment's batch is persistent; without current positions the other kind is cheaper.
        self._batch = Batch(model, len(record.start), nthread=threads, persistent=current)
        self._stage = mujoco.mjtStage.mjSTAGE_NONE
        if current:
            self._stage = mujoco.mjtStage.mjSTAGE_VEL
            self._batch.bind("site_xpos")
        self._qpos, self._qvel = self._batch.bind("qpos"), self._batch.bind("qvel")
        self._ctrl = self._batch.bind("ctrl")
        self._zero = [self._ctrl, self._batch.bind("qacc_warmstart"), self._batch.bind("time")]
        self._record, self._turn = record, 0
        self.state[:] = record.start

    @property
    def state(self) -> Array:
        """Complete states, a live view, shape ``(N, nstate)``."""
        return self._batch.state

    def step(self) -> None:
        """Advance by one control step."""
        if self._turn == len(self._record.controls):
            self._turn, self.state[:] = 0, self._record.start
        self._ctrl[:] = self._record.controls[self._turn]
        self._batch.step(nstep=self._record.substeps, stage=self._stage)
        reset = self._record.resets[self._turn]
        self._turn += 1
        if len(reset.ids):
            self._qpos[reset.ids], self._qvel[reset.ids] = reset.qpos, reset.qvel
            for values in self._zero:
                values[reset.ids] = 0.0
