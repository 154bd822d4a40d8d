"""The mirror map of a walker's joints: which joint is on the other side, and with which sign."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from mimicrl.errors import WalkerError
from mimicrl.geometry.rotations import MIRROR_AXIAL, Array
from mimicrl.walkers.metadata import Role, Side

_OTHER: dict[Side, Side] = {"right": "left", "left": "right", "middle": "middle"}


def mirror_map(
    model: mujoco.MjModel, joints: np.ndarray, roles: Sequence[Role], walker: str
) -> tuple[np.ndarray, Array]:
    """Pair the joints by their roles and find the signs from their axes.

    A rotation by an angle about an axis a becomes, in the mirror, a rotation by the same angle about M a with
    M = diag(-1, 1, -1), as an axis is an axial vector.

    Args:
        model: The compiled model.
        joints: The actuated hinges, shape ``(J,)``.
        roles: Their roles, length J.
        walker: Name of the walker.

    Returns:
        The joint of the other side, shape ``(J,)``, and +1 where the angle keeps its sign, else -1, shape ``(J,)``.

    Raises:
        WalkerError: A joint's axis is not the mirror image of its partner's.
    """
    index = np.array([roles.index(Role(role.name, _OTHER[role.side])) for role in roles])
    axes = model.jnt_axis[joints]
    cosine = np.sum(axes * MIRROR_AXIAL * axes[index], axis=1)
    askew = np.flatnonzero(np.abs(cosine) < 1 - 1e-6)
    if len(askew):
        joint = joints[askew[0]]
        raise WalkerError(
            "a joint's axis is not the mirror image of its partner's",
            where=f"{walker}, joint {model.joint(joint).name}",
            got=f"axis {model.jnt_axis[joint].round(4).tolist()}",
            expected=f"{(MIRROR_AXIAL * axes[index[askew[0]]]).round(4).tolist()} or its opposite",
        )
    return index, np.sign(cosine)
