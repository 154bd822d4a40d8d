"""The heading frame: z points up, x in the direction that the root faces. Policies in the literature usually use it."""

from __future__ import annotations

import numpy as np

from mimicrl.geometry.rotations import Array


def feet_in_heading_frame(sites_w: Array, root_position_w: Array, yaw_rad: Array) -> Array:
    """Return sites, for example the heels, relative to the root and in its heading frame (x points forward).

    Args:
        sites_w: World positions [m], shape ``(N, E, 3)``.
        root_position_w: Root positions [m], shape ``(N, 3)``.
        yaw_rad: Headings of the root [rad], shape ``(N,)``.

    Returns:
        Positions [m], shape ``(N, 3 E)``.
    """
    turned = in_heading_frame(sites_w - root_position_w[:, None, :], np.cos(yaw_rad), np.sin(yaw_rad))
    return turned.reshape(len(turned), -1)


def in_heading_frame(vectors_w: Array, cosine: Array, sine: Array) -> Array:
    """Return vectors in frames that are turned about the vertical, shape ``(N, K, 3)``.

    Args:
        vectors_w: Vectors in the world, shape ``(N, K, 3)``.
        cosine: Cosine of the angle of each frame, shape ``(N,)``.
        sine: Sine of the angle of each frame, shape ``(N,)``.
    """
    turned = vectors_w.copy()
    across = vectors_w[:, :, 1::-1] * sine[:, None, None]
    np.multiply(vectors_w[:, :, :2], cosine[:, None, None], out=turned[:, :, :2])
    turned[:, :, 0] += across[:, :, 0]
    turned[:, :, 1] -= across[:, :, 1]
    return turned
