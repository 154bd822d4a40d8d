"""Published walking: the paper's ranges, linear in speed, periodic, with its source."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import numpy as np
import pytest

from mimicrl.motions.gait import SPEED_RANGE_MPS
from mimicrl.motions.gait.published import leg_angles, published_angles, published_spread

PHASE = np.arange(200) / 200
# Bovi et al. 2011: the least and the greatest angles [deg] at each speed, and the pelvis's mean tilt, which the hip
# takes over.
NODES = {
    0.839: ((5.3, 62.4), (-15.7, 15.3), (-5.5, 32.5), 9.1),
    1.198: ((5.1, 63.5), (-16.1, 15.2), (-8.2, 33.6), 8.8),
    1.492: ((5.5, 63.4), (-17.7, 14.0), (-10.6, 34.4), 8.4),
    1.95: ((2.6, 65.6), (-20.2, 13.9), (-11.1, 41.3), 12.9),
}


@pytest.mark.parametrize("speed", NODES)
def test_angles_range_as_published(speed: float) -> None:
    *ranges, tilt = NODES[speed]
    leg = leg_angles(speed, PHASE)
    for joint, expected in zip(("knee_flexion", "ankle_dorsiflexion", "hip_flexion"), ranges, strict=True):
        degrees = np.degrees(leg[joint]) + (tilt if joint == "hip_flexion" else 0.0)
        np.testing.assert_allclose((degrees.min(), degrees.max()), expected, rtol=0, atol=0.2, err_msg=joint)


def test_the_range_of_speeds_is_the_tables() -> None:
    assert (min(NODES), max(NODES)) == SPEED_RANGE_MPS


def test_the_frontal_share_scales_the_sideways_swing_about_its_mean() -> None:
    none, some, whole = (leg_angles(1.25, PHASE, share) for share in (0.0, 0.4, 1.0))
    mean = none["hip_adduction"][0]
    assert np.ptp(none["hip_adduction"]) == 0
    assert mean == pytest.approx(published_angles("hip_adduction", 1.25, PHASE).mean(), abs=1e-14)
    np.testing.assert_allclose(some["hip_adduction"] - mean, 0.4 * (whole["hip_adduction"] - mean), rtol=0, atol=1e-14)
    for joint in ("hip_flexion", "knee_flexion", "ankle_dorsiflexion"):
        np.testing.assert_array_equal(none[joint], whole[joint])


def test_angles_are_interpolated_linearly_in_speed() -> None:
    middle = published_angles("knee_flexion", (1.198 + 1.492) / 2, PHASE)
    ends = [published_angles("knee_flexion", speed, PHASE) for speed in (1.198, 1.492)]
    np.testing.assert_allclose(middle, np.mean(ends, axis=0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("curve", [published_angles, published_spread])
@pytest.mark.parametrize("channel", ["hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"])
def test_every_cycle_is_the_same(curve: Callable[..., np.ndarray], channel: str) -> None:
    one, later = (curve(channel, 1.3, PHASE + shift) for shift in (0.25, 3.25))
    np.testing.assert_allclose(one, later, rtol=0, atol=1e-12)


@pytest.mark.parametrize("channel", ["hip_flexion", "hip_adduction", "knee_flexion", "ankle_dorsiflexion"])
@pytest.mark.parametrize("speed", NODES)
def test_adults_differ_by_a_few_degrees(channel: str, speed: float) -> None:
    spread = np.degrees(published_spread(channel, speed, PHASE))
    assert 0.5 < spread.min() < spread.max() < 20


@pytest.mark.parametrize("file", ["bovi2011.csv", "bovi2011_sd.csv"])
def test_the_tables_cite_their_source(file: str) -> None:
    text = (resources.files("mimicrl.motions.gait") / "tables" / file).read_text(encoding="utf-8")
    comment = " ".join(line for line in text.splitlines() if line.startswith("#"))
    for word in ("Bovi", "Gait & Posture", "33(1):6-13", "2011"):
        assert word in comment
