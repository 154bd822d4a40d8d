"""How close the walker stays to the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mimicrl.evaluation.metrics.base import Evaluation, StepMetric
from mimicrl.geometry.rotations import Array
from mimicrl.runs.summary import MetricSummary

if TYPE_CHECKING:
    from mimicrl.mdp.step import MimicBatch, StepResult


class Reward(StepMetric):
    """The imitation reward."""

    name, heading = "reward", "Imitation reward"
    meaning = "The mean reward per step, the sum of the reward's terms; 1 where the walker moves as the reference does."
    better, headline, order = "higher", True, 20
    after_divergence = True

    def of_step(self, step: StepResult, batch: MimicBatch) -> Array:
        """Return the reward."""
        return step.reward


class RewardTerms(StepMetric):
    """Each term of the reward, named after it: ``reward_pose`` and so on."""

    name, heading = "reward_terms", "Reward for"
    meaning = "The mean per step of the reward's term {}, its weight included."
    better, order = "higher", 21
    after_divergence = True

    def of_step(self, step: StepResult, batch: MimicBatch) -> Array:
        """Return the weighted terms, shape ``(N, K)``."""
        return step.terms

    def columns(self, evaluation: Evaluation) -> dict[str, Array]:
        """Return a column for each term."""
        terms = np.ascontiguousarray(self.of_episode(evaluation).T)
        return {f"reward_{name}": row for name, row in zip(evaluation.episodes.reward_names, terms, strict=True)}

    def summaries(self, evaluation: Evaluation) -> tuple[MetricSummary, ...]:
        """Return an entry for each term."""
        entries = []
        for column, values in self.columns(evaluation).items():
            term = column.removeprefix("reward_").replace("_", " ")
            about = {"name": column, "heading": f"{self.heading} {term}", "meaning": self.meaning.format(term)}
            entries.append(self.summary(values.mean(), **about))
        return tuple(entries)


class JointError(StepMetric):
    """The error of all joint angles; in the table of episodes, that of each joint."""

    name, heading, unit, digits = "joint_error_deg", "Joint error", "°", 1
    meaning = "The mean over joints and steps of the absolute difference from the reference's angle at that time."
    better, headline, order = "lower", True, 40

    def of_step(self, step: StepResult, batch: MimicBatch) -> Array:
        """Return the absolute error of each joint [rad], shape ``(N, J)``."""
        return np.abs(step.state.joint_angles_rad - step.reference.joint_angles_rad)

    def columns(self, evaluation: Evaluation) -> dict[str, Array]:
        """Return a column for each joint, in radians."""
        errors_rad = np.ascontiguousarray(self.of_episode(evaluation).T)
        return {f"error_{name}_rad": row for name, row in zip(evaluation.episodes.joint_names, errors_rad, strict=True)}

    def value(self, evaluation: Evaluation) -> float:
        """Return the mean over joints and episodes, joint by joint, in degrees."""
        return float(np.degrees(np.ascontiguousarray(self.of_episode(evaluation).T).mean()))
