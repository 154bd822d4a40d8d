"""Actions: numbers in [-1, 1], one a joint, turned into controls of the actuators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mimicrl.config import MimicConfig
from mimicrl.rotations import Array
from mimicrl.walkers.walker import Actuation, Walker

ActionFunction = Callable[[Array, Array], Array]
"""From actions ``(N, J)`` and the reference's joint angles [rad] ``(N, J)`` to controls ``(N, J)``."""


def actuation(config: MimicConfig) -> Actuation:
    """Return the actuation that a configuration's actions need."""
    return "torque" if config.action == "torque" else "position"


def action_function(config: MimicConfig, walker: Walker) -> ActionFunction:
    """Return the function that turns actions into controls.

    * ``residual``: PD targets, reference + scale · action (PD targets as actions: Peng & van de Panne, SCA 2017).
    * ``absolute``: PD targets over the joints' whole range.
    * ``torque``: joint torques, limit · action.
    """
    if config.action == "residual":
        scale = config.action_scale_rad
        return lambda action, reference: reference + scale * action
    if config.action == "absolute":
        middle = walker.joint_range_rad.mean(axis=1)
        half = np.ptp(walker.joint_range_rad, axis=1) / 2
        return lambda action, reference: middle + half * action
    limit = walker.torque_limit_nm
    return lambda action, reference: limit * action


def table(config: MimicConfig, walker: Walker) -> str:
    """Return the action space as a Markdown table."""
    meaning, unit = {
        "residual": (f"PD target: reference + {config.action_scale_rad:g} rad · action", "rad"),
        "absolute": ("PD target over the joint's range", "rad"),
        "torque": ("torque, share of the limit", "Nm"),
    }[config.action]
    lines = ["| Num | meaning | unit of the control | joint | min | max |", "|---|---|---|---|---|---|"]
    lines += [f"| {i} | {meaning} | {unit} | {name} | -1 | 1 |" for i, name in enumerate(walker.joint_names)]
    return "\n".join(lines)
