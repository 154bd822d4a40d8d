"""Actions: one number in [−1, 1] per joint, turned into the controls of the actuators."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from mimicrl.mdp.terms import ActionTerm
from mimicrl.schema import Positive

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array
    from mimicrl.motions.reference import ReferenceFrame
    from mimicrl.walkers.walker import Walker


class Residual(ActionTerm):
    """PD targets around the reference (PD targets as actions: Peng & van de Panne, SCA 2017)."""

    actuation: ClassVar[Literal["position", "torque"]] = "position"
    unit: ClassVar[str] = "rad"

    kind: Literal["residual"] = "residual"
    """The name by which the configuration chooses it."""
    scale_rad: Positive = 0.3
    """How far action 1 moves the target from the reference [rad]."""

    def controls(self, action: Array, walker: Walker, reference: ReferenceFrame) -> Array:
        """Return reference + scale · action."""
        return reference.joint_angles_rad + self.scale_rad * action

    def meaning(self) -> str:
        """Return what a number does."""
        return f"PD target: reference + {self.scale_rad:g} rad · action"


class Absolute(ActionTerm):
    """PD targets over the joints' whole range."""

    actuation: ClassVar[Literal["position", "torque"]] = "position"
    unit: ClassVar[str] = "rad"

    kind: Literal["absolute"] = "absolute"
    """The name by which the configuration chooses it."""

    def controls(self, action: Array, walker: Walker, reference: ReferenceFrame) -> Array:
        """Return the range's middle + half of its width · action."""
        return walker.joint_range_rad.mean(axis=1) + np.ptp(walker.joint_range_rad, axis=1) / 2 * action

    def meaning(self) -> str:
        """Return what a number does."""
        return "PD target over the joint's range"


class Torque(ActionTerm):
    """Joint torques."""

    actuation: ClassVar[Literal["position", "torque"]] = "torque"
    unit: ClassVar[str] = "Nm"

    kind: Literal["torque"] = "torque"
    """The name by which the configuration chooses it."""

    def controls(self, action: Array, walker: Walker, reference: ReferenceFrame) -> Array:
        """Return limit · action."""
        return walker.torque_limit_nm * action

    def meaning(self) -> str:
        """Return what a number does."""
        return "torque, share of the limit"
