"""Policies that heed no observation, for tests of roll-outs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from mimicrl.config import MDPConfig
from mimicrl.envs.task import Task
from mimicrl.evaluation.rollout import Episodes, Watch, roll_out
from mimicrl.geometry.rotations import Array
from mimicrl.mdp.actions import Absolute
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import reasons
from mimicrl.policy import Policy
from mimicrl.protocols import Standard

REASONS = reasons(MDPConfig().terminations)
STILL = MDPConfig(action=Absolute())
"""A task in which a policy whose actions are 0 stands until it falls."""


def starts(episodes: int) -> Array:
    """Starts of the standard protocol."""
    return Standard(episodes=episodes).start_phases()


class Acts:
    """A policy that always does the same.

    Args:
        action: Of all joints and rows.
        spoilt: Rows whose action is not a number, by the step, from 0, in which it is so.
    """

    def __init__(self, action: float = 0.0, spoilt: Mapping[int, list[int]] | None = None) -> None:
        self._action, self._spoilt, self._steps = action, spoilt or {}, 0

    def predict(self, observation: np.ndarray) -> np.ndarray:
        actions = np.full((len(observation), 8), self._action, np.float32)
        actions[self._spoilt.get(self._steps, [])] = np.nan
        self._steps += 1
        return actions


def roll(
    task: Task | MimicBatch,
    policy: Acts | None = None,
    *,
    phases: Array | None = None,
    seconds: float = 1.5,
    watch: Watch | None = None,
    threads: int = 1,
) -> Episodes:
    """Roll out a policy, by default one that acts 0, from six starts or those given."""
    phases = starts(6) if phases is None else phases
    batch = task if isinstance(task, MimicBatch) else task.evaluation_batch(len(phases), seconds, threads)
    return roll_out(cast(Policy, policy or Acts()), batch, phases, watch)
