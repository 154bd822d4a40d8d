"""A human walk from published data: no recording, no licence, any speed from 0.84 to 1.95 m/s.

Joint angles are the published mean curves. The root moves as these angles imply for the legs of the given walker when
its stance foot does not slip; the stride then takes as long as the target speed needs. The left leg is the right one
half a cycle later, so the walk is exactly symmetric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import IDENTITY, Array
from mimicrl.motions.clip import MotionClip
from mimicrl.motions.gait import DEFAULT_SPEED_MPS
from mimicrl.motions.gait.published import leg_angles

if TYPE_CHECKING:
    from mimicrl.walkers.walker import Walker

FRAMES_PER_CYCLE = 200
# Share of the cycle in which both feet stand, after each heel strike (Bovi et al. 2011: .153 slow to .095 fast).
_DOUBLE_SUPPORT = 0.12
# Height over which the support passes from heel to ball [m].
_ROLL_OVER_M = 0.004
# The published frontal angles would sway a rigid trunk by 97 mm, which no foot could support (the zero-moment
# point would leave the soles); this share of them sways it by 45 mm, as people do (Orendurff et al. 2004).
_FRONTAL_SHARE = 0.4


def generate(walker: Walker, speed_mps: float = DEFAULT_SPEED_MPS) -> MotionClip:
    """Generate one cycle of walking, from right heel strike to right heel strike.

    Args:
        walker: The walker whose legs walk; its joints are matched by their roles, other ones stay at 0.
        speed_mps: Walking speed [m/s], 0.839 to 1.95.

    Raises:
        MotionError: The speed is outside the published range, or the walker has none of the joints.
    """
    frames = FRAMES_PER_CYCLE
    phase = np.arange(frames) / frames
    leg = leg_angles(speed_mps, phase, _FRONTAL_SHARE)
    if not any(role.name in leg for role in walker.roles):
        raise MotionError(
            "the walker has no joint of the generated gait",
            where=walker.name,
            got=f"the roles {', '.join(dict.fromkeys(role.name for role in walker.roles))}",
            expected=f"one of {', '.join(leg)}",
            fix="name the roles of its joints in walker.yaml",
        )
    angles = np.zeros((frames, len(walker.joint_names)))
    for column, role in enumerate(walker.roles):
        if role.name in leg:
            # Shifting by half the frames, instead of evaluating again, makes the sides equal to the last bit.
            angles[:, column] = np.roll(leg[role.name], -frames // 2 if role.side == "left" else 0)
    root, stride_m = _root_motion(walker, angles)
    return MotionClip(
        name=f"gait-{speed_mps:g}",
        times_s=np.arange(frames + 1) / frames * (stride_m / speed_mps),
        root_position_w=np.vstack([root, root[:1] + np.array([stride_m, 0.0, 0.0])]),
        root_quat_w=np.tile(IDENTITY, (frames + 1, 1)),
        joint_names=walker.joint_names,
        joint_angles_rad=np.vstack([angles, angles[:1]]),
        loop="wrap",
    )


def _root_motion(walker: Walker, angles: Array) -> tuple[Array, float]:
    """Find the root motion, shape ``(T, 3)``, under which the stance foot stands still, and the stride [m]."""
    frames = len(angles)
    upright = np.tile(IDENTITY, (frames, 1))
    sites, heights = walker.foot_kinematics(walker.assemble_qpos(np.zeros((frames, 3)), upright, angles))
    weight = _support(frames)[:, :, None] * _rolling(sites[:, :, 2].reshape(frames, 2, 2))
    velocity = (np.roll(sites, -1, axis=0) - np.roll(sites, 1, axis=0))[:, :, :2] / 2
    root_velocity = -np.einsum("tk,tkx->tx", weight.reshape(frames, 4), velocity)
    stride = float(root_velocity[:, 0].sum())
    forward = np.cumsum(root_velocity[:, 0] - stride / frames)
    sideways = np.cumsum(root_velocity[:, 1] - root_velocity[:, 1].mean())
    # Symmetric walking: height and forward surge repeat with every step, sway changes sides.
    root = np.column_stack(
        [
            stride * np.arange(frames) / frames + _harmonics(forward, (2, 4)),
            _harmonics(sideways, (1, 3)),
            -heights.min(axis=1).mean() + _harmonics(-heights.min(axis=1), (2, 4)),
        ]
    )
    root[:, 0] -= root[0, 0]
    return root, stride


def _support(frames: int) -> Array:
    """Return each foot's share of the support, right and left, shape ``(T, 2)``: a smooth change of hands."""
    phase = np.arange(frames) / frames
    loading = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase / _DOUBLE_SUPPORT, 0, 1))
    unloading = 0.5 - 0.5 * np.cos(np.pi * np.clip((phase - 0.5) / _DOUBLE_SUPPORT, 0, 1))
    right = loading - unloading
    return np.column_stack([right, 1 - right])


def _rolling(height_m: Array) -> Array:
    """Return the shares of heel and ball in a foot's support from their heights, shape ``(T, 2, 2)``."""
    share = np.exp(-(height_m - height_m.min(axis=2, keepdims=True)) / _ROLL_OVER_M)
    return share / share.sum(axis=2, keepdims=True)


def _harmonics(signal: Array, which: tuple[int, ...]) -> Array:
    """Return the part of a periodic signal, shape ``(T,)``, at the given harmonics of its period."""
    spectrum = np.fft.rfft(signal)
    kept = np.zeros_like(spectrum)
    kept[list(which)] = spectrum[list(which)]
    return np.fft.irfft(kept, len(signal))
