"""The reference trajectory: the clip at any time, with velocities that are its derivatives."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from mimicrl.errors import MotionError
from mimicrl.geometry import rotations
from mimicrl.geometry.heading import feet_in_heading_frame
from mimicrl.motions import MotionClip, ReferenceTrajectory
from mimicrl.motions.reference import ROWS_PER_SECOND
from mimicrl.walkers import Walker

PHASES = np.random.default_rng(0).uniform(0, 1, 200)


@pytest.fixture(scope="module")
def wobbly(clip: MotionClip, walker: Walker) -> ReferenceTrajectory:
    """The walk with a trunk that turns about all axes, as a recorded one does."""
    angle = 2 * np.pi * clip.times_s / clip.duration_s
    wobble = np.stack([0.1 * np.sin(angle), 0.15 * np.cos(2 * angle), 0.2 * np.sin(angle + 1)], axis=1)
    turned = dataclasses.replace(clip, root_quat_w=rotations.from_rotation_vector(wobble))
    return ReferenceTrajectory(turned, walker)


@pytest.fixture(scope="module")
def once(clip: MotionClip, walker: Walker) -> ReferenceTrajectory:
    """The walk as a motion that ends."""
    return ReferenceTrajectory(dataclasses.replace(clip, loop="none"), walker)


@pytest.fixture(params=["reference", "wobbly", "once"])
def any_reference(request: pytest.FixtureRequest) -> ReferenceTrajectory:
    return request.getfixturevalue(request.param)


def test_it_goes_through_the_clips_frames(any_reference: ReferenceTrajectory) -> None:
    clip = any_reference.clip
    frame = any_reference.at_phase(clip.times_s / clip.duration_s)
    # Between rows of the table, a millisecond apart, linear interpolation is all that is lost.
    np.testing.assert_allclose(frame.joint_angles_rad, clip.joint_angles_rad, rtol=0, atol=2e-5)
    np.testing.assert_allclose(frame.root_position_w, clip.root_position_w, rtol=0, atol=2e-5)
    np.testing.assert_allclose(frame.root_quat_w, rotations.make_continuous(clip.root_quat_w), rtol=0, atol=2e-5)


def test_its_speed_is_the_clips(reference: ReferenceTrajectory) -> None:
    assert reference.speed_mps == pytest.approx(1.25, rel=1e-14)
    mean = reference.at_phase((np.arange(1000) + 0.5) / 1000).root_velocity_w.mean(axis=0)
    np.testing.assert_allclose(mean, [1.25, 0, 0], rtol=0, atol=1e-4)


def way(name: str, reference: ReferenceTrajectory) -> np.ndarray | float:
    """How far a part of the reference goes in one cycle."""
    ahead = reference.displacement_m * np.eye(1, 41)[0]  # the root's x stands first
    return {"root_position_w": ahead[:3], "values": ahead}.get(name, 0.0)


def assert_rates(reference: ReferenceTrajectory, times_s: np.ndarray, step_s: float) -> None:
    """Compare velocities with differences of positions around times."""
    before, now, after = (reference.at_time(times_s + shift) for shift in (-step_s, 0.0, step_s))
    turn = rotations.multiply(rotations.conjugate(before.root_quat_w), after.root_quat_w)
    for change, rate, atol in (
        (after.joint_angles_rad - before.joint_angles_rad, now.joint_velocities, 5e-3),
        (after.root_position_w - before.root_position_w, now.root_velocity_w, 1e-4),
        (rotations.to_rotation_vector(turn), now.root_angular_velocity_b, 1e-3),
    ):
        np.testing.assert_allclose(change / (2 * step_s), rate, rtol=0, atol=atol)


def test_velocities_are_the_derivatives_of_positions(any_reference: ReferenceTrajectory) -> None:
    # At rows of the table, away from the ends of a motion.
    rows = round(any_reference.duration_s * ROWS_PER_SECOND)
    step_s = any_reference.duration_s / rows
    assert_rates(any_reference, np.round(PHASES * (rows - 20) + 10) * step_s, step_s)


@pytest.mark.parametrize("cycle", [-1, 1, 3])
def test_velocities_are_the_derivatives_over_the_seam_of_the_cycle(wobbly: ReferenceTrajectory, cycle: int) -> None:
    step_s = wobbly.duration_s / round(wobbly.duration_s * ROWS_PER_SECOND)
    assert_rates(wobbly, np.array([cycle * wobbly.duration_s]), step_s)


def test_quaternions_are_of_unit_length(any_reference: ReferenceTrajectory) -> None:
    lengths = np.linalg.norm(any_reference.at_phase(PHASES).root_quat_w, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=0, atol=1e-15)


def test_it_walks_on_beyond_its_first_cycle(reference: ReferenceTrajectory) -> None:
    times = PHASES * reference.duration_s
    first = reference.at_time(times)
    for cycles in (-2, 1, 7):
        later = reference.at_time(times + cycles * reference.duration_s)
        for name, values in later._asdict().items():
            expected = getattr(first, name) + cycles * way(name, reference)
            np.testing.assert_allclose(values, expected, rtol=0, atol=1e-9, err_msg=name)


def test_a_motion_that_ends_stays_at_its_ends(once: ReferenceTrajectory) -> None:
    assert not once.cyclic
    ends = once.at_phase(np.array([0.0, 1.0]))
    beyond = once.at_time(np.array([-3.0, once.duration_s + 3.0]))
    for one, other in zip(beyond, ends, strict=True):
        np.testing.assert_array_equal(one, other)


def test_answers_are_fresh(reference: ReferenceTrajectory) -> None:
    first = reference.at_phase(PHASES)
    expected = [part.copy() for part in first]
    for part in (*first, *reference.at_time(PHASES)):
        part[:] = np.nan
    for one, other in zip(reference.at_phase(PHASES), expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_many_lookups_at_once_equal_single_ones_to_the_last_bit(any_reference: ReferenceTrajectory) -> None:
    together = any_reference.at_phase(PHASES)
    for name, values in together._asdict().items():
        alone = np.concatenate([getattr(any_reference.at_phase(PHASES[n : n + 1]), name) for n in range(len(PHASES))])
        np.testing.assert_array_equal(values, alone, err_msg=name)


def test_all_but_the_clearance_are_views_of_one_array(reference: ReferenceTrajectory) -> None:
    frame = reference.at_phase(PHASES)
    parts = frame[: frame._fields.index("clearance_m")]
    assert all(np.shares_memory(part, frame.values) for part in parts)
    np.testing.assert_array_equal(np.hstack(parts), frame.values)
    assert frame.clearance_m.shape == PHASES.shape


def test_feet_and_clearance_are_the_walkers(any_reference: ReferenceTrajectory, walker: Walker) -> None:
    frame = any_reference.at_phase(PHASES)
    sites, heights = walker.foot_kinematics(
        walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    )
    np.testing.assert_allclose(frame.clearance_m, heights.min(axis=1), rtol=0, atol=1e-4)
    feet = feet_in_heading_frame(sites, frame.root_position_w, rotations.yaw(frame.root_quat_w))
    np.testing.assert_allclose(frame.feet_h, feet, rtol=0, atol=2e-5)


def drifting(clip: MotionClip, loop: Any) -> MotionClip:
    """The clip with a small even drift of everything but its way forward."""
    share = (clip.times_s / clip.duration_s)[:, None]
    return dataclasses.replace(
        clip,
        root_position_w=clip.root_position_w + share * [0.0, 0.03, -0.02],
        root_quat_w=rotations.multiply(clip.root_quat_w, rotations.from_rotation_vector(share * [0.05, -0.1, 0.08])),
        joint_angles_rad=clip.joint_angles_rad + 0.1 * share,
        loop=loop,
    )


def test_a_small_gap_between_the_ends_of_a_loop_is_closed_exactly(
    clip: MotionClip, walker: Walker, reference: ReferenceTrajectory
) -> None:
    closed = ReferenceTrajectory(drifting(clip, "wrap"), walker)
    start, end = (closed.at_phase(np.array([phase])) for phase in (0.0, 1.0))
    for name, values in end._asdict().items():
        stride = values - getattr(start, name)
        np.testing.assert_allclose(stride[0], way(name, closed), rtol=0, atol=1e-12, err_msg=name)
    # An even drift is taken away whole, and with it every trace in positions and rates.
    for name, values in closed.at_phase(PHASES)._asdict().items():
        np.testing.assert_allclose(values, getattr(reference.at_phase(PHASES), name), rtol=0, atol=1e-9, err_msg=name)


def test_a_motion_that_ends_keeps_its_drift(clip: MotionClip, walker: Walker) -> None:
    ends = ReferenceTrajectory(drifting(clip, "none"), walker).at_phase(np.array([0.0, 1.0]))
    np.testing.assert_allclose(np.diff(ends.joint_angles_rad, axis=0), 0.1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.diff(ends.root_position_w[:, 1:], axis=0), [[0.03, -0.02]], rtol=0, atol=1e-12)


def test_flipped_signs_of_recorded_quaternions_change_nothing(wobbly: ReferenceTrajectory, walker: Walker) -> None:
    signs = np.random.default_rng(3).choice([-1.0, 1.0], (len(wobbly.clip.times_s), 1))
    flipped = dataclasses.replace(wobbly.clip, root_quat_w=wobbly.clip.root_quat_w * signs * signs[0])
    for one, other in zip(ReferenceTrajectory(flipped, walker).at_phase(PHASES), wobbly.at_phase(PHASES), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_clip_of_another_walker_is_refused(clip: MotionClip, walker: Walker) -> None:
    other = dataclasses.replace(clip, joint_names=(*clip.joint_names[:-1], "tail"))
    with pytest.raises(
        MotionError, match=r"^the clip belongs to another walker — gait-1\.25 — got .*, tail, expected "
    ):
        ReferenceTrajectory(other, walker)


def test_a_full_turn_within_a_cycle_is_refused(clip: MotionClip, walker: Walker) -> None:
    spin = rotations.from_yaw(2 * np.pi * clip.times_s / clip.duration_s)
    with pytest.raises(MotionError, match=r"^the root turns full circle within one cycle — gait-1\.25$"):
        ReferenceTrajectory(dataclasses.replace(clip, root_quat_w=spin), walker)
