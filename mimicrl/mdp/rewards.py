"""The reward: kernels of the error against the reference whose weights add up to 1, less penalties.

Kernels have DeepMimic's form, weight · exp(−scale · squared error) (Peng et al., *DeepMimic*, ACM TOG 37(4), 2018,
section 5, eqs. 3-7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import model_validator

from mimicrl.mdp.terms import RewardTerm, Terms, View
from mimicrl.schema import NonNegative, Positive, Share

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array
    from mimicrl.mdp.error import TrackingError


class Pose(RewardTerm):
    """Root orientation and joint angles (after Peng et al. 2018, eq. 4)."""

    formula: ClassVar[str] = "exp(−{scale:g} (Σ joint angle error² + root rotation error²)) [rad]"

    weight: Share = 0.45
    """Largest value of the term; 0 switches it off."""
    scale: Positive = 3.0
    """Steepness [1/rad²]."""

    def exponent(self, error: TrackingError) -> Array:
        """Return scale (Σ Δq² + angle²)."""
        return self.scale * (error.joint_angles_squared + error.rotation_rad**2)


class Velocity(RewardTerm):
    """Root turning and joint velocities (Peng et al. 2018, eq. 5)."""

    formula: ClassVar[str] = "exp(−{scale:g} (Σ joint velocity error² + turning error²)) [rad/s]"

    weight: Share = 0.10
    """Largest value of the term; 0 switches it off."""
    scale: Positive = 0.02
    """Steepness [s²/rad²]."""

    def exponent(self, error: TrackingError) -> Array:
        """Return scale (Σ Δq̇² + |Δω|²)."""
        return self.scale * error.rates_squared


class EndEffector(RewardTerm):
    """Heels and balls of the feet relative to the root (Peng et al. 2018, eq. 6)."""

    formula: ClassVar[str] = "exp(−{scale:g} Σ heel and ball error²), from the root [m]"

    weight: Share = 0.15
    """Largest value of the term; 0 switches it off."""
    scale: Positive = 10.0
    """Steepness [1/m²]."""

    def exponent(self, error: TrackingError) -> Array:
        """Return scale Σ |Δp|²."""
        return self.scale * error.feet_squared


class Root(RewardTerm):
    """Root height, horizontal velocity, line deviation; replaces the centre-of-mass term (Peng et al. 2018, eq. 7).

    DeepMimic rewards the position of the centre of mass instead. Horizontal velocity and deviation from the line are
    not in DeepMimic: they keep the walker at the speed of the reference and on its line.
    """

    formula: ClassVar[str] = (
        "exp(−{height_scale:g} height error² − {velocity_scale:g} velocity error² − {lateral_scale:g} lateral error²) "
        "[m, m/s]"
    )

    weight: Share = 0.30
    """Largest value of the term; 0 switches it off."""
    height_scale: NonNegative = 10.0
    """Steepness in the error of height [1/m²]."""
    velocity_scale: NonNegative = 4.0
    """Steepness in the error of horizontal velocity [s²/m²]."""
    lateral_scale: NonNegative = 4.0
    """Steepness in the deviation from the reference's line [1/m²]."""

    def exponent(self, error: TrackingError) -> Array:
        """Return a Δz² + b (Δvx² + Δvy²) + c Δy²."""
        offset, slip = error.root_position_w**2, error.root_velocity_w**2
        return (
            self.height_scale * offset[:, 2]
            + self.velocity_scale * (slip[:, 0] + slip[:, 1])
            + self.lateral_scale * offset[:, 1]
        )


class Rewards(Terms):
    """The reward: imitation terms whose weights add up to 1, and penalties."""

    @model_validator(mode="after")
    def _weights_add_up(self) -> Rewards:
        weights = {term.name(): term.weight for term in self.active() if term.imitation}
        if abs(sum(weights.values()) - 1) > 1e-9:
            listed = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
            raise ValueError(
                f"the weights of the imitation terms must add up to 1, got {sum(weights.values()):g} ({listed})"
            )
        return self


def total(terms: Sequence[RewardTerm], view: View, broken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the reward and its weighted terms.

    Args:
        terms: The K terms that are on.
        view: What they see.
        broken: Which rows have diverged, bool, shape ``(N,)``.

    Returns:
        The reward, at most 1, float32, shape ``(N,)``, and the terms, float32, shape ``(N, K)``. Penalties of a row
        that has diverged are 0, and so is a term that is not a number.
    """
    values = np.array([term.value(view) for term in terms])
    np.copyto(values, 0.0, where=np.isnan(values))
    for term, value in zip(terms, values, strict=True):
        if not term.imitation:  # which no kernel bounds
            np.copyto(value, 0.0, where=broken)
    # One after the other: a sum over an axis may take another order for another number of rows.
    reward = values[0].copy()
    for value in values[1:]:
        reward += value
    return reward.astype(np.float32), values.T.astype(np.float32, order="C")
