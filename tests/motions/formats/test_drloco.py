"""The DRLoco reader: a walk cut into steps comes back as one stride, and what is no such walk is told apart."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.motions.formats import drloco, read
from mimicrl.motions.gait.published import leg_angles
from mimicrl.motions.plausibility import assess
from mimicrl.motions.retarget import Recording, lay_out, leg_length, retarget
from mimicrl.walkers import Walker

Steps = list[np.ndarray]
# Rows of the file, the right leg's and the left's; the sign turns the walker's angle into the file's.
ROWS = {
    "hip_adduction": ((7, 1.0), (11, -1.0)),
    "hip_flexion": ((8, -1.0), (12, -1.0)),
    "knee_flexion": ((9, 1.0), (13, 1.0)),
    "ankle_dorsiflexion": ((10, -1.0), (14, -1.0)),
}
LEAN = rotations.from_axis_angle((0.0, 1.0, 0.0), 0.2)
SAMPLES = 121


def export(
    reference: ReferenceTrajectory, walker: Walker, samples: tuple[int, ...] = (SAMPLES,) * 4, rate_hz: float = 400.0
) -> Steps:
    """Cut a walk into steps of a body with legs of 1 m, the left leg swinging first; each has its own duration."""
    steps = []
    for index, count in enumerate(samples):
        frame = reference.at_phase((index % 2 + np.linspace(0, 1, count)) / 2)
        # Samples a second of a body of this size, over those that the file has.
        scale = 1 / leg_length(walker)
        speed_up = reference.duration_s / 2 * rate_hz / (count - 1)
        step = np.zeros((38, count))
        step[:3] = scale * frame.root_position_w.T
        step[0] -= step[0, 0]
        step[3:7] = frame.root_quat_w.T
        step[15:18] = scale * speed_up * frame.root_velocity_w.T
        for joint, rows in ROWS.items():
            for side, (row, sign) in zip("rl", rows, strict=True):
                column = walker.joint_names.index(f"{joint}_{side}")
                step[row] = sign * frame.joint_angles_rad[:, column]
                step[row + 14] = sign * speed_up * frame.joint_velocities[:, column]
        steps.append(step)
    return steps


def write(path: Path, steps: Steps) -> Path:
    """Write a file of steps, like the released files as cells of numbers."""
    data = np.empty((1, len(steps)), dtype=object)
    for index, step in enumerate(steps):
        data[0, index] = step.astype(object)
    savemat(path, {"Data": data}, do_compression=True)
    return path


@pytest.fixture(scope="module")
def leaning(clip: MotionClip) -> MotionClip:
    """The generated walk, all of the body leaning forward."""
    return dataclasses.replace(clip, root_quat_w=np.tile(LEAN, (len(clip.times_s), 1)))


@pytest.fixture(scope="module")
def steps(leaning: MotionClip, walker: Walker) -> Steps:
    """Two strides of that walk; tests work on copies."""
    return export(ReferenceTrajectory(leaning, walker), walker)


def changed(steps: Steps, change: Callable[[int, np.ndarray], object]) -> Steps:
    """Return a copy of the steps, each changed in place by ``change(index, step)``."""
    copies = [step.copy() for step in steps]
    for index, step in enumerate(copies):
        change(index, step)
    return copies


def recorded(steps: Steps, name: str = "x.mat") -> Recording:
    """Read a file of that name that holds the steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drloco, "read_cells", lambda path, variable: list(steps))
        return drloco.read(Path(name))


def assert_same(got: Recording, expected: Recording, atol: float = 1e-12) -> None:
    for field in ("times_s", "root_position_w", "root_quat_w"):
        np.testing.assert_allclose(getattr(got, field), getattr(expected, field), rtol=0, atol=atol)
    assert got.rotations.keys() == expected.rotations.keys()
    for name, quats in expected.rotations.items():
        np.testing.assert_allclose(got.rotations[name], quats, rtol=0, atol=atol, err_msg=name)


def test_a_walk_cut_into_steps_comes_back(tmp_path: Path, steps: Steps, leaning: MotionClip, walker: Walker) -> None:
    got = read(write(tmp_path / "walk.mat", steps), walker)
    expected = lay_out(leaning, walker)
    assert (got.name, got.loop, got.joint_names) == ("walk", "wrap", walker.joint_names)
    assert got.duration_s == pytest.approx(2 * (SAMPLES - 1) / 400 * np.sqrt(leg_length(walker)), rel=1e-12)
    frames = ReferenceTrajectory(expected, walker).at_phase(got.times_s / got.duration_s)
    np.testing.assert_allclose(got.joint_angles_rad, frames.joint_angles_rad, rtol=0, atol=1e-3)
    np.testing.assert_allclose(got.root_position_w, frames.root_position_w, rtol=0, atol=1e-3)
    np.testing.assert_allclose(got.root_quat_w, frames.root_quat_w, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("exact_hz", "rate_hz"), [(60, 60), (400, 400), (499.6, 500), (1000.4, 1000)])
def test_the_sampling_rate_comes_from_the_velocities_not_from_the_name(
    reference: ReferenceTrajectory, walker: Walker, exact_hz: float, rate_hz: int
) -> None:
    even, uneven = (export(reference, walker, counts, exact_hz) for counts in ((121,) * 4, (101, 131, 141, 112)))
    recording = recorded(uneven, "walk_400Hz.mat")
    # The left leg swings for the mean of 100 and 140 intervals, the right one for that of 130 and 111.
    times_s = recording.times_s[[drloco.FRAMES_PER_STEP, -1]]
    np.testing.assert_allclose(times_s, np.array([120, 240.5]) / rate_hz, rtol=1e-12)
    # In time-normalised steps, nothing else tells how long each took.
    expected = recorded(even)
    assert_same(dataclasses.replace(recording, times_s=expected.times_s), expected, atol=1e-4)


def vary(index: int, step: np.ndarray) -> None:
    """Change what must not matter: what cancels in the mean, the signs of quaternions, where a step starts."""
    step[9] += (0.05, -0.02, -0.05, 0.02)[index]
    step[1] += (0.01, 0.01, -0.01, -0.01)[index]
    roll = rotations.from_axis_angle((1.0, 0.0, 0.0), np.array((0.1, 0.1, -0.1, -0.1)[index]))
    step[3:7] = rotations.multiply(step[3:7].T, roll).T
    step[3:7, 10 + index :] *= -1
    step[0] += index


SAME: dict[str, Callable[[Steps], Steps]] = {
    "how single steps are": lambda steps: changed(steps, vary),
    "the leg that swings first": lambda steps: [*steps[1:], steps[0]],
    "an odd step": lambda steps: steps[:3],
}


@pytest.mark.parametrize("what", SAME)
def test_the_stride_does_not_depend_on(steps: Steps, what: str) -> None:
    expected = recorded(steps)
    assert_same(recorded(SAME[what](steps)), expected)
    # Across the join, the way forward goes on.
    pace = np.diff(expected.root_position_w[:, 0]) / np.diff(expected.times_s)
    np.testing.assert_allclose(pace / pace.mean(), 1, rtol=0, atol=0.2)


@pytest.mark.parametrize("row", [1, 2, 9, 10, 14])
def test_a_gap_between_the_steps_is_bent_away_in_value_and_rate(steps: Steps, row: int) -> None:
    gap, rate = 0.04, 0.4
    share = np.linspace(0, 1, SAMPLES)

    def lift(index: int, step: np.ndarray) -> None:
        # Only where the right leg swings: an offset, and a hump that starts and ends with a slope.
        step[row] += (index % 2) * (gap + rate * share * (1 - share))
        step[row + (15 if row < 3 else 14)] += (index % 2) * rate * (1 - 2 * share) * 400 / (SAMPLES - 1)

    def values(recording: Recording) -> np.ndarray:
        turns = recording.rotations[{9: "knee_r", 10: "ankle_r"}.get(row, "ankle_l")]
        return recording.root_position_w[:, row] if row < 3 else rotations.twist_angle(turns, (0, 1, 0))

    added = values(recorded(changed(steps, lift))) - values(recorded(steps))
    frames, width = drloco.FRAMES_PER_STEP, 10  # the width is 5 % of the stride
    left, right = added[: frames + 1], added[frames:]
    share = np.linspace(0, 1, frames + 1)
    np.testing.assert_allclose(left[width:-width], 0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(right[width:-width], (gap + rate * share * (1 - share))[width:-width], rtol=0, atol=1e-9)
    # At both joins the sides meet halfway. Slopes are estimated, from frames that are a tenth of the bend apart.
    assert (left[0], left[-1]) == (pytest.approx(gap / 2), pytest.approx(gap / 2))
    assert added[-1] == pytest.approx(added[0], abs=1e-12)
    slopes = [np.gradient(side, share, edge_order=2)[[0, -1]] for side in (left, right)]
    expected = [[-rate / 2, rate / 2], [rate / 2, -rate / 2]]
    np.testing.assert_allclose(slopes, expected, rtol=0, atol=0.05 * rate)


def third(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Steps], Steps]:
    """Return an edit that puts another thing in the place of the third step."""
    return lambda steps: [*steps[:2], change(steps[2]), *steps[3:]]


def put(value: float, rows: int, samples: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a change of a step that puts a value somewhere."""
    place = np.zeros((38, SAMPLES), bool)
    place[rows, samples] = True
    return lambda step: np.where(place, value, step)


def scaled(rows: int | slice, factor: float) -> Callable[[Steps], Steps]:
    factors = np.ones((38, 1))
    factors[rows] = factor
    return lambda steps: [factors * step for step in steps]


RATE = "velocities do not belong to the positions: no common sampling rate — x.mat, row "
ROW = "not a DRLoco motion: Data is no row of steps — x.mat — got "
SHAPE = "a step has the wrong shape — x.mat, Data{3} — got "
QUATERNION = "a quaternion is not of unit length — x.mat, Data"
INFINITE = "the motion has a number that is not finite — x.mat, Data{3}(4, 8) — got "
BROKEN: dict[str, tuple[Callable[[Steps], Steps], str]] = {
    "one step": (lambda steps: steps[:1], ROW + "(1, 1), expected (1, at least 2)"),
    "rows": (third(lambda step: step[:37]), SHAPE + "(37, 121), expected (38, at least 10)"),
    "short": (third(lambda step: step[:, :9]), SHAPE + "(38, 9), expected "),
    "NaN": (third(put(np.nan, 3, 7)), INFINITE + "nan — repair or cut the recording"),
    "long quaternion": (third(put(1.5, 3, 7)), QUATERNION + "{3}, sample 8 — got length 1.5"),
    "no orientation": (scaled(slice(3, 7), 0), QUATERNION + "{1}, sample 1 — got length 0.0000"),
    "one leg": (
        lambda steps: [steps[0], steps[1], steps[1]],
        "steps must alternate between the legs — x.mat, Data{3} — got the right leg swinging again",
    ),
    "one row faster": (scaled(25, 1.1), RATE + "26 — got 440.0 Hz, expected the median of all rows, 400.0 Hz, within"),
    "no velocities": (scaled(slice(15, 29), 0), RATE + "16 — got 0.0 Hz"),
    "absurd": (scaled(slice(0, 3), 1e200), RATE),
    "a still row": (scaled(1, 0), "no sampling rate to be found: a position never changes — x.mat, row 2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_malformed_motion_is_refused(steps: Steps, case: str) -> None:
    edit, text = BROKEN[case]
    with pytest.raises(MotionError) as caught:
        recorded(edit(steps))
    assert str(caught.value).startswith(text)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
@settings(max_examples=60)
@given(edits=st.lists(st.tuples(st.integers(0, 37), st.integers(0, 9), st.floats()), min_size=1, max_size=5))
def test_odd_numbers_never_raise_anything_but_a_motion_error(
    steps: Steps, walker: Walker, edits: list[tuple[int, int, float]]
) -> None:
    short = [step[:, :10].copy() for step in steps[:2]]
    for index, (row, sample, value) in enumerate(edits):
        short[index % 2][row, sample] = value
    with contextlib.suppress(MotionError):
        assert np.isfinite(retarget(recorded(short), walker).joint_angles_rad).all()


def test_the_released_walk_is_what_it_is_known_to_be(motions_dir: Path, walker: Walker) -> None:
    recording = drloco.read(motions_dir / "drloco_straight_walk_1p5mps.mat")
    # 30 steps of 263.5 samples at 500 Hz; 400 Hz, as the released file's name says, would give 1.19 m/s.
    assert recording.times_s[-1] == pytest.approx(1.050, abs=1e-3)
    assert recording.root_position_w[-1, 0] / recording.times_s[-1] == pytest.approx(1.491, abs=1e-3)
    lean = rotations.lean_and_heading(recording.root_quat_w)[1].mean()
    assert np.degrees(lean) == pytest.approx(11.1, abs=0.1)

    clip = retarget(recording, walker)
    reference = ReferenceTrajectory(clip, walker)
    found = assess(reference, walker)
    assert clip.speed_mps == pytest.approx(1.491 * np.sqrt(leg_length(walker)), abs=1e-3)
    assert found.seam_gap_rad.max() < 1e-12
    assert found.beyond_limits_rad.max() < np.radians(1)
    assert max(found.penetration_m, found.float_m) < 0.02

    # Against published adults at the recorded speed; the hips of a leaning trunk are flexed by the lean.
    phase = np.linspace(0, 1, 200)
    least = {"hip_flexion": 0.99, "knee_flexion": 0.97, "ankle_dorsiflexion": 0.97, "hip_adduction": 0.8}
    for (joint, published), side in itertools.product(leg_angles(1.49, phase).items(), "rl"):
        strike = recording.times_s[drloco.FRAMES_PER_STEP] / recording.times_s[-1] if side == "l" else 0.0
        angles = reference.at_phase((phase + strike) % 1).joint_angles_rad
        angle = angles[:, walker.joint_names.index(f"{joint}_{side}")]
        assert np.corrcoef(angle, published)[0, 1] > least[joint], f"{joint}_{side}"
        offset = (angle - published).mean() - (lean if joint == "hip_flexion" else 0)
        assert abs(np.degrees(offset)) < 4.5, f"{joint}_{side}"
