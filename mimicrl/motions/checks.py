"""Checks that motions of every origin go through, with the place of the first number that fails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array


def check_finite(values: Array, place: Callable[..., str], what: str = "the motion") -> None:
    """Refuse NaN and infinity.

    Args:
        values: An array of any shape.
        place: Returns where a number stands, for a message, from its indices.
        what: What has the numbers.

    Raises:
        MotionError: A number is not finite.
    """
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise MotionError(
            f"{what} has a number that is not finite",
            where=place(*bad[0]),
            got=values[tuple(bad[0])],
            fix="repair or cut the recording",
        )


def check_unit_length(
    quats: Array, place: Callable[[int], str], tolerance: float = 1e-2, what: str = "a quaternion"
) -> None:
    """Refuse quaternions, shape ``(T, 4)``, that are not of unit length.

    Args:
        quats: The quaternions.
        place: Returns where a row stands, for a message.
        tolerance: By how much a length may differ from 1.
        what: What they are.

    Raises:
        MotionError: The length of one is wrong.
    """
    lengths = np.linalg.norm(quats, axis=1)
    worst = int(np.argmax(np.abs(lengths - 1)))
    if abs(lengths[worst] - 1) > tolerance:
        raise MotionError(f"{what} is not of unit length", where=place(worst), got=f"length {lengths[worst]:.4f}")
