"""Checks that motions of every origin go through, with the place of the first number that fails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array


def check_finite(values: Array, place: Callable[..., str]) -> None:
    """Refuse NaN and infinity.

    Args:
        values: An array of any shape.
        place: Returns from a number's indices where it is, for a message.

    Raises:
        MotionError: A number is not finite.
    """
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise MotionError(
            "the motion has a number that is not finite",
            where=place(*bad[0]),
            got=values[tuple(bad[0])],
            fix="repair or cut the recording",
        )


def check_unit_length(quats: Array, place: Callable[[int], str], tolerance: float = 1e-2) -> None:
    """Refuse quaternions, shape ``(T, 4)``, that are not of unit length.

    Args:
        quats: The quaternions.
        place: Returns from a row's index where it is, for a message.
        tolerance: By how much a length may differ from 1.

    Raises:
        MotionError: The length of one is wrong.
    """
    lengths = np.linalg.norm(quats, axis=1)
    worst = int(np.argmax(np.abs(lengths - 1)))
    if abs(lengths[worst] - 1) > tolerance:
        raise MotionError("a quaternion is not of unit length", where=place(worst), got=f"length {lengths[worst]:.4f}")
