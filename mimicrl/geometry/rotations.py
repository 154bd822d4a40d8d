"""Unit quaternions in MuJoCo's order, ``(w, x, y, z)``, as pure functions on arrays ``(..., 4)``.

A quaternion maps body coordinates to world coordinates: ``v_w = rotate(q, v_b)``. World axes are x forward,
y left, z up. All functions broadcast over leading axes and return new arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
# Reflection of the world in its x-z plane (left becomes right): a polar vector changes the sign of y, an
# axial one (an angular velocity, the vector part of a quaternion) the signs of x and z.
MIRROR_POLAR = np.array([1.0, -1.0, 1.0])
MIRROR_AXIAL = np.array([-1.0, 1.0, -1.0])
MIRROR_QUAT = np.array([1.0, -1.0, 1.0, -1.0])


def multiply(p: ArrayLike, q: ArrayLike) -> Array:
    """Return the Hamilton product ``p q``: first rotate by `q`, then by `p`.

    Args:
        p: Quaternions, shape ``(..., 4)``.
        q: Quaternions, shape ``(..., 4)``.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    pw, px, py, pz = p[..., 0], p[..., 1], p[..., 2], p[..., 3]
    qw, qx, qy, qz = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    return np.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        axis=-1,
    )


def conjugate(q: ArrayLike) -> Array:
    """Return the inverse of the unit quaternions `q`, shape ``(..., 4)``."""
    return np.asarray(q, float) * np.array([1.0, -1.0, -1.0, -1.0])


def normalize(q: ArrayLike) -> Array:
    """Return `q`, shape ``(..., 4)``, scaled to unit length."""
    q = np.asarray(q, float)
    return q / np.linalg.norm(q, axis=-1, keepdims=True)


def rotate(q: ArrayLike, v: ArrayLike) -> Array:
    """Rotate the vectors `v`, shape ``(..., 3)``, by the unit quaternions `q`, shape ``(..., 4)``."""
    q, v = np.asarray(q, float), np.asarray(v, float)
    u = q[..., 1:]
    t = 2.0 * np.cross(u, v)
    return v + q[..., :1] * t + np.cross(u, t)


def from_rotation_vector(rotation_vector: ArrayLike) -> Array:
    """Return the quaternions of rotation vectors (axis times angle [rad]), shape ``(..., 3)``."""
    rotation_vector = np.asarray(rotation_vector, float)
    angle = np.linalg.norm(rotation_vector, axis=-1, keepdims=True)
    # sinc is sin(pi x) / (pi x): exact at zero without a special case.
    return np.concatenate([np.cos(angle / 2), 0.5 * np.sinc(angle / (2 * np.pi)) * rotation_vector], axis=-1)


def to_rotation_vector(q: ArrayLike) -> Array:
    """Return the shortest rotation vectors [rad], shape ``(..., 3)``, of the quaternions `q`."""
    q = np.asarray(q, float)
    q = np.where(q[..., :1] < 0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    # Near the identity angle / sine tends to 2; the small offset avoids 0 / 0 without a visible change.
    scale = np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)
    return scale * q[..., 1:]


def from_axis_angle(axis: ArrayLike, angle_rad: ArrayLike) -> Array:
    """Return rotations about the unit `axis`, shape ``(3,)``, by angles of shape ``(...)``."""
    return from_rotation_vector(np.asarray(angle_rad, float)[..., None] * np.asarray(axis, float))


def yaw(q: ArrayLike) -> Array:
    """Return the heading [rad], shape ``(...)``: the angle of the body's x axis in the ground plane."""
    q = np.asarray(q, float)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    return np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def lean_and_heading(q: Array) -> tuple[Array, Array, Array, Array]:
    """Return what a body's orientation looks like, for quaternions of shape ``(N, 4)``, all at once.

    Returns:
        Heading (`yaw`), forward lean and lean to the right of the z-y-x Euler angles [rad], and the cosine between
        the body's z axis and the vertical, each of shape ``(N,)``.
    """
    parts = np.ascontiguousarray(q.T)
    vector = parts[1:]
    by_w, crossed, squared = parts[0] * vector, vector * parts.take((2, 3, 1), axis=0), vector * vector
    sine, cosine = np.empty((2, len(q))), np.empty((2, len(q)))
    np.add(by_w[2], crossed[0], out=sine[0])
    np.add(by_w[0], crossed[1], out=sine[1])
    np.subtract(0.5, squared[1] + squared[2::-2], out=cosine)
    yaw, roll = np.arctan2(sine, cosine)
    pitch = 2.0 * (by_w[1] - crossed[2])
    np.minimum(np.maximum(pitch, -1.0, out=pitch), 1.0, out=pitch)
    return yaw, np.arcsin(pitch, out=pitch), roll, 2.0 * cosine[1]


def from_yaw(angle_rad: ArrayLike) -> Array:
    """Return rotations about the vertical by angles [rad] of shape ``(...)``."""
    return from_axis_angle((0.0, 0.0, 1.0), angle_rad)


def twist_angle(q: ArrayLike, axis: ArrayLike) -> Array:
    """Return the rotation angle [rad] of `q` about the unit `axis` in the swing-twist decomposition.

    Source: Dobrowolski, *Swing-twist decomposition in Clifford algebra*, 2015, eq. 9. The result lies in
    [-pi, pi).
    """
    q = np.asarray(q, float)
    angle = 2.0 * np.arctan2(q[..., 1:] @ np.asarray(axis, float), q[..., 0])
    return (angle + np.pi) % (2 * np.pi) - np.pi


def make_continuous(q: ArrayLike) -> Array:
    """Flip signs along the first axis of `q`, shape ``(T, 4)``, so that neighbours lie on one hemisphere."""
    q = np.array(q, float)
    dots = np.einsum("ij,ij->i", q[1:], q[:-1])
    q[1:] *= np.cumprod(np.where(dots < 0, -1.0, 1.0))[:, None]
    return q
