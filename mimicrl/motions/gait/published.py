"""Joint angles of healthy adults over the gait cycle (Bovi et al. 2011), at any speed from 0.84 to 1.95 m/s.

The tables hold four speeds, between which all numbers are interpolated linearly; ``tables/bovi2011.csv`` says what was
derived from the paper and how, and which direction of each angle is positive.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np

from mimicrl.errors import MotionError
from mimicrl.geometry.rotations import Array
from mimicrl.motions.gait import SPEED_RANGE_MPS

_SAGITTAL = ("hip_flexion", "knee_flexion", "ankle_dorsiflexion")


@cache
def _table(file: str) -> dict[tuple[str, float], Array]:
    """Read a table of ``tables/``: ``(channel, speed) -> its row of numbers`` in degrees."""
    text = (resources.files("mimicrl.motions.gait") / "tables" / file).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {
        (row.pop("channel"), float(row.pop("speed_mps"))): np.array([float(value) for value in row.values()])
        for row in csv.DictReader(lines)
    }


def _at_speed(file: str, channel: str, speed_mps: float) -> Array:
    """Return a channel's row, interpolated linearly between the published speeds."""
    low, high = SPEED_RANGE_MPS
    if not low - 1e-3 <= speed_mps <= high + 1e-3:
        raise MotionError(
            "no published gait at this speed",
            where="motion.speed_mps",
            got=f"{speed_mps} m/s",
            expected=f"{low} to {high}",
        )
    table = _table(file)
    speeds = sorted(speed for name, speed in table if name == channel)
    rows = np.array([table[channel, speed] for speed in speeds])
    return np.array([np.interp(speed_mps, speeds, column) for column in rows.T])


def published_angles(channel: str, speed_mps: float, phase: Array) -> Array:
    """Return a published mean joint angle [rad] of one leg.

    Args:
        channel: A channel of the table, such as ``knee_flexion``.
        speed_mps: Walking speed [m/s]; coefficients are interpolated linearly between the published speeds.
        phase: Share of the gait cycle since that leg's heel strike, shape ``(...)``.

    Raises:
        MotionError: The speed lies outside the published range.
    """
    blended = _at_speed("bovi2011.csv", channel, speed_mps)
    harmonics = np.arange(1, 9)
    angle = 2 * np.pi * np.asarray(phase)[..., None] * harmonics
    degrees = blended[0] + np.cos(angle) @ blended[1:9] + np.sin(angle) @ blended[9:17]
    return np.radians(degrees)


def published_spread(channel: str, speed_mps: float, phase: Array) -> Array:
    """Return the standard deviation [rad] between adults of a joint angle; arguments as in `published_angles`."""
    percent = _at_speed("bovi2011_sd.csv", channel, speed_mps)
    return np.radians(np.interp(np.asarray(phase) % 1.0, np.linspace(0, 1, len(percent)), percent))


def leg_angles(speed_mps: float, phase: Array, frontal_share: float = 1.0) -> dict[str, Array]:
    """Return one leg's published joint angles [rad] under an upright pelvis, by joint name without its side.

    The published hip angles are relative to a pelvis that tilts forward by about 9 degrees and rises and falls
    at the sides. The walkers' root stays upright, so its hips take over the mean tilt and the obliquity.

    Args:
        speed_mps: Walking speed [m/s].
        phase: Share of the gait cycle since that leg's heel strike, shape ``(...)``.
        frontal_share: Share of the sideways swing to keep; its mean is always kept.
    """
    angles = {name: published_angles(name, speed_mps, phase) for name in _SAGITTAL}
    cycle = np.arange(32) / 32
    angles["hip_flexion"] = angles["hip_flexion"] - published_angles("pelvis_tilt", speed_mps, cycle).mean()
    frontal = published_angles("hip_adduction", speed_mps, phase) - published_angles(
        "pelvis_obliquity", speed_mps, phase
    )
    mean = published_angles("hip_adduction", speed_mps, cycle).mean()
    angles["hip_adduction"] = mean + frontal_share * (frontal - mean)
    return angles
