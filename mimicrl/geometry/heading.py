"""The heading frame: upright in the world, its x axis where the root faces, as the field's policies see the world."""

from __future__ import annotations

import numpy as np

from mimicrl.geometry.rotations import Array


def feet_in_heading_frame(sites_w: Array, root_position_w: Array, yaw_rad: Array) -> Array:
    """Return sites, such as the feet's, relative to the root, turned by its heading so that x points ahead.

    Args:
        sites_w: World positions [m], shape ``(N, E, 3)``.
        root_position_w: Root positions [m], shape ``(N, 3)``.
        yaw_rad: Headings of the root, shape ``(N,)``.

    Returns:
        Positions [m], shape ``(N, 3 E)``.
    """
    turned = in_heading_frame(sites_w - root_position_w[:, None, :], np.cos(yaw_rad), np.sin(yaw_rad))
    return turned.reshape(len(turned), -1)


def in_heading_frame(vectors_w: Array, cosine: Array, sine: Array) -> Array:
    """Return vectors, shape ``(N, K, 3)``, in frames turned about the vertical.

    Args:
        vectors_w: Vectors in the world.
        cosine: Of the angles of the frames, shape ``(N,)``.
        sine: The same.
    """
    turned = vectors_w.copy()
    across = vectors_w[:, :, 1::-1] * sine[:, None, None]
    np.multiply(vectors_w[:, :, :2], cosine[:, None, None], out=turned[:, :, :2])
    turned[:, :, 0] += across[:, :, 0]
    turned[:, :, 1] -= across[:, :, 1]
    return turned
