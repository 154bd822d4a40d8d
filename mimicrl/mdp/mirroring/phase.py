"""PHASE mirroring: the policy only ever walks on its right leg.

In the second half of the cycle the policy sees the mirrored world, and its actions are mirrored back
(Abdolhosseini et al., *On learning symmetric locomotion*, MIG 2019). The walk is symmetric by construction.
`python -m benchmarks.learning` shows how many samples that saves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mimicrl.mdp.mirroring.base import Mirroring

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array
    from mimicrl.mdp.mirroring.base import Image


class PhaseMirroring(Mirroring):
    """In the second half of the cycle the policy sees and moves a mirrored world (Abdolhosseini 2019)."""

    def before_step(self, actions: Array, phase: Array, image: Image) -> Array:
        """Mirror the actions in the second half of the cycle."""
        return _mirror_second_half(actions, phase, image)

    def after_observing(self, observations: Array, phase: Array, image: Image) -> Array:
        """Mirror the observations in the second half of the cycle."""
        return _mirror_second_half(observations, phase, image)


def _mirror_second_half(values: Array, phase: Array, image: Image) -> Array:
    return np.where((phase >= 0.5)[:, None], image(values), values)
