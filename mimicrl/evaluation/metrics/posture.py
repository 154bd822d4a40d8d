"""How the walker holds itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimicrl.evaluation.metrics.base import StepMetric
from mimicrl.geometry.rotations import Array

if TYPE_CHECKING:
    from mimicrl.mdp.step import MimicBatch, StepResult


class Upright(StepMetric):
    """How upright the trunk is."""

    name, heading = "upright", "Upright"
    meaning = "The mean cosine of the angle between the trunk and the vertical; 1 is upright."
    better, order = "higher", 50

    def of_step(self, step: StepResult, batch: MimicBatch) -> Array:
        """Return the cosine."""
        return step.state.upright
