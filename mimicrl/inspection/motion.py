"""A motion on a walker, described in words and drawn over the gait cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mimicrl import artifacts
from mimicrl.errors import ConfigError
from mimicrl.figures.gait_cycle import gait_cycle_figure
from mimicrl.figures.style import figure_bytes
from mimicrl.motions.gait.cycle import cycle_table
from mimicrl.motions.plausibility import Assessment
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.runs.layout import FIGURE_FORMATS
from mimicrl.walkers.walker import Walker


def describe(found: Assessment) -> str:
    """Return an assessment as lines of text: the motion as a whole, then one line per joint."""
    clip, walker = found.clip, found.walker
    frames = len(clip.times_s)
    lines = [
        f"{clip.name}: {frames} frames at {(frames - 1) / clip.duration_s:.1f} Hz, {clip.duration_s:.3f} s, "
        f"loop {clip.loop}",
        f"speed           {clip.speed_mps:.3f} m/s",
        f"root height     {found.root_height_m[0]:.3f} to {found.root_height_m[1]:.3f} m",
        f"trunk lean      at most {np.degrees(found.root_tilt_rad):.1f}°",
        f"foot skate      {found.foot_skate_mps:.3f} m/s",
        f"feet            {1000 * found.penetration_m:.1f} mm below to {1000 * found.float_m:.1f} mm above the floor",
        f"{'joint':<24}{'range':>18}{'limits':>18}{'beyond':>9}{'peak':>12}{'seam gap':>10}",
    ]
    degrees = np.degrees(
        np.column_stack([found.joint_range_rad, walker.joint_range_rad, found.beyond_limits_rad, found.seam_gap_rad])
    )
    for name, row, peak in zip(walker.joint_names, degrees, found.peak_velocity_rad_s, strict=True):
        low, high, low_limit, high_limit, beyond, gap = row
        lines.append(
            f"{name:<24}{f'{low:.1f} to {high:.1f}°':>18}{f'{low_limit:.0f} to {high_limit:.0f}°':>18}"
            f"{f'{beyond:.1f}°':>9}{f'{peak:.1f} rad/s':>12}{f'{gap:.1f}°':>10}"
        )
    return "\n".join(lines)


def draw(reference: ReferenceTrajectory, walker: Walker, path: Path) -> None:
    """Draw joint angles over the gait cycle beside published walking, in the format that the path's ending names.

    Raises:
        ConfigError: Figures have no such format.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FIGURE_FORMATS:
        formats = ", ".join(f".{name}" for name in FIGURE_FORMATS)
        raise ConfigError("figures have no such format", where=path, got=path.suffix or "none", expected=formats)
    figure = gait_cycle_figure({reference.clip.name: cycle_table(walker, reference)})
    artifacts.write_bytes(path, figure_bytes(figure, kind))
