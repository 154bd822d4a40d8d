"""A scalar environment that does as little as it can.

`MimicEnv` is a batch of one environment, which costs time. A comparison with the lean environment does not profit from
this overhead.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces
from stable_baselines3.common.monitor import Monitor

from mimicrl.envs.task import Task
from mimicrl.mdp.reset import reference_state
from mimicrl.mdp.step import substeps

_ROWS = 1000
_LONGEST_TILT_RAD = 0.4
_LOWEST_M = 0.7


class LeanEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """The task's walker, control step and PD targets, with a minimal observation and reward.

    Args:
        task: The task; its actions are residuals of PD targets.

    Attributes:
        data: The simulation.
    """

    def __init__(self, task: Task) -> None:
        phase = np.arange(_ROWS) / _ROWS
        self._model, self.data = task.walker.simulation_model, mujoco.MjData(task.walker.simulation_model)
        self._qpos, self._qvel = reference_state(task.walker, task.reference.at_phase(phase))
        self._targets = task.reference.at_phase(phase).joint_angles_rad
        self._substeps = substeps(task.config.control_hz, task.walker.model.opt.timestep)
        self._rows_a_step = _ROWS / (task.config.control_hz * task.reference.duration_s)
        self._longest = round(task.config.episode_seconds * task.config.control_hz)
        self._scale, self._row, self._steps = task.config.action.model_dump()["scale_rad"], 0.0, 0
        size = task.walker.model.nq - 2 + task.walker.model.nv
        self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (task.walker.model.nu,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Start somewhere in the motion."""
        super().reset(seed=seed)
        self._row, self._steps = self.np_random.uniform(0, _ROWS), 0
        mujoco.mj_resetData(self._model, self.data)
        self.data.qpos[:], self.data.qvel[:] = self._qpos[int(self._row)], self._qvel[int(self._row)]
        return self._observation(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Advance by one control step."""
        self._steps += 1
        self._row = (self._row + self._rows_a_step) % _ROWS
        row, qpos = int(self._row), self.data.qpos
        self.data.ctrl[:] = self._targets[row] + self._scale * action
        mujoco.mj_step(self._model, self.data, self._substeps)
        error = qpos[7:] - self._qpos[row, 7:]
        upright = 1.0 - 2.0 * (qpos[4] ** 2 + qpos[5] ** 2)
        fallen = bool(qpos[2] < _LOWEST_M or upright < np.cos(_LONGEST_TILT_RAD))
        return self._observation(), float(np.exp(-3.0 * (error @ error))), fallen, self._steps >= self._longest, {}

    def _observation(self) -> np.ndarray:
        return np.concatenate((self.data.qpos[2:], self.data.qvel), dtype=np.float32)


def make(task: Task) -> Monitor:
    """Return the environment as the classic stack takes it."""
    return Monitor(LeanEnv(task))
