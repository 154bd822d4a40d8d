"""PHASE mirroring: the policy only ever walks on its right leg.

In the second half of the cycle the policy is shown the mirrored world and its actions are mirrored back
(Abdolhosseini et al., *On learning symmetric locomotion*, MIG 2019): the walk is symmetric by construction. What it
saves, `python -m benchmarks.learning` shows. Rewards and terminations see the real world.
"""

from __future__ import annotations

import numpy as np

from mimicrl.geometry.rotations import Array
from mimicrl.mdp.observations import Observation
from mimicrl.mdp.terms import ActionTerm
from mimicrl.walkers.walker import Walker


def second_half(phase: Array) -> np.ndarray:
    """Return which rows are mirrored, bool, shape ``(N,)``."""
    return phase >= 0.5


def mirror_observations(observation: Observation, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return observations, shape ``(N, D)``, with the given rows mirrored."""
    return np.where(rows[:, None], observation.mirror(values), values)


def mirror_actions(term: ActionTerm, actions: Array, walker: Walker, rows: np.ndarray) -> Array:
    """Return actions, shape ``(N, J)``, with the given rows mirrored."""
    return np.where(rows[:, None], term.mirror(actions, walker), actions)
