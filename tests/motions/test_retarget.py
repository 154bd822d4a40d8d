"""Retargeting: hinge angles out of rotations, exactly, and clips laid on the floor along x."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from functools import reduce

import mujoco
import numpy as np
import pytest

from mimicrl.errors import MotionError, WalkerError
from mimicrl.geometry import rotations
from mimicrl.motions import MotionClip
from mimicrl.motions.retarget import Recording, hinge_angles, lay_out, leg_length, retarget
from mimicrl.walkers import Walker, library

BODIES = {"hip": ("trunk", "thigh"), "knee": ("thigh", "shank"), "ankle": ("shank", "foot")}


def compose(axes: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Rotate about hinge after hinge, as MuJoCo does within a body; angles of shape ``(T, H)``."""
    turns = [rotations.from_axis_angle(axis, angle) for axis, angle in zip(axes, angles.T, strict=True)]
    return reduce(rotations.multiply, turns)


def stacks(count: int) -> list[tuple[tuple[int, ...], ...]]:
    """Return all stacks of hinges along different coordinate axes, in either direction."""
    return [
        tuple(tuple(sign * int(place == k) for k in range(3)) for place, sign in zip(places, signs, strict=True))
        for places in itertools.permutations(range(3), count)
        for signs in itertools.product((1, -1), repeat=count)
    ]


def record(clip: MotionClip, walker: Walker) -> Recording:
    """Return what a recorder would see of a walker that follows a clip: rotations of bodies in their parents."""
    data = mujoco.MjData(walker.model)
    seen: dict[str, list[np.ndarray]] = defaultdict(list)
    for row in walker.assemble_qpos(clip.root_position_w, clip.root_quat_w, clip.joint_angles_rad):
        data.qpos = row
        mujoco.mj_kinematics(walker.model, data)
        for (joint, (parent, child)), side in itertools.product(BODIES.items(), "rl"):
            upper = data.body(parent if parent == "trunk" else f"{parent}_{side}").xquat
            turn = rotations.multiply(rotations.conjugate(upper), data.body(f"{child}_{side}").xquat)
            seen[f"{joint}_{side}"].append(turn)
    return Recording(
        name="recorded",
        times_s=clip.times_s,
        root_position_w=clip.root_position_w,
        root_quat_w=clip.root_quat_w,
        rotations={joint: np.array(quats) for joint, quats in seen.items()},
        leg_length_m=leg_length(walker),
        loop=clip.loop,
    )


def assert_same_motion(one: MotionClip, other: MotionClip, atol: float = 1e-12) -> None:
    for field in ("times_s", "root_position_w", "root_quat_w", "joint_angles_rad"):
        np.testing.assert_allclose(getattr(one, field), getattr(other, field), rtol=0, atol=atol, err_msg=field)


# --- hinge angles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [stack for count in (1, 2, 3) for stack in stacks(count)], ids=str)
def test_a_stack_of_hinges_gets_its_angles_back(axes: tuple[tuple[int, ...], ...]) -> None:
    # The middle one of three Euler angles is ambiguous from a quarter turn on.
    angles = np.random.default_rng(0).uniform(-1.5, 1.5, (50, len(axes)))
    turns = compose(np.array(axes), angles)
    if len(axes) == 2:
        # A twist of the limb about its own axis does not matter.
        twist = np.random.default_rng(1).uniform(-3, 3, 50)
        turns = rotations.multiply(turns, rotations.from_axis_angle(np.cross(*axes), twist))
    np.testing.assert_allclose(hinge_angles(turns, np.array(axes, float)), angles, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "axes", [[[0, 0.6, 0.8], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]], [[0, 1, 0], [0, -1, 0], [1, 0, 0]]], ids=str
)
def test_oblique_or_repeated_hinges_are_refused(axes: list[list[float]]) -> None:
    array = np.array(axes, float)
    with pytest.raises(
        WalkerError, match=r"^a joint's hinges must be orthogonal and along the coordinate axes — got \[\["
    ):
        hinge_angles(rotations.IDENTITY[None], array)


# --- recordings -----------------------------------------------------------------------------------------------------


def test_a_recording_of_the_walker_itself_gives_its_angles_back(clip: MotionClip, walker: Walker) -> None:
    assert_same_motion(retarget(record(clip, walker), walker), lay_out(clip, walker))


def test_the_order_of_the_actuators_does_not_matter(clip: MotionClip, walker: Walker) -> None:
    flexion, adduction = (
        f'<position name="hip_{kind}_r" joint="hip_{kind}_r" class="hip_{kind}"/>' for kind in ("flexion", "adduction")
    )
    xml = library.bundled("walker3d").xml.replace(flexion, "").replace(adduction, adduction + flexion)
    swapped = Walker.from_xml(xml, name="swapped")
    order = [swapped.joint_names.index(name) for name in walker.joint_names]
    assert order != sorted(order)
    got = retarget(record(clip, walker), swapped).joint_angles_rad[:, order]
    np.testing.assert_allclose(got, clip.joint_angles_rad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_a_larger_skeleton_walks_at_the_same_froude_number(clip: MotionClip, walker: Walker, size: float) -> None:
    small = record(clip, walker)
    large = dataclasses.replace(
        small,
        times_s=small.times_s * np.sqrt(size),
        root_position_w=small.root_position_w * size,
        leg_length_m=small.leg_length_m * size,
    )
    assert_same_motion(retarget(large, walker), retarget(small, walker))


def test_the_leg_is_thigh_and_shank(walker: Walker) -> None:
    assert leg_length(walker) == pytest.approx((0.245 + 0.246) * 1.70, abs=1e-6)


# --- laying out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heading", [-3.0, -0.5, 0.0, 1.0, 2.5])
def test_wherever_it_was_recorded_a_clip_walks_along_x(clip: MotionClip, walker: Walker, heading: float) -> None:
    turn = rotations.from_yaw(heading)
    elsewhere = dataclasses.replace(
        clip,
        root_position_w=rotations.rotate(turn, clip.root_position_w) + np.array([3.0, -4.0, 0.2]),
        root_quat_w=rotations.multiply(turn, clip.root_quat_w),
    )
    got = lay_out(elsewhere, walker)
    assert got.root_position_w[0, 0] == 0
    assert got.root_position_w[-1, 0] == pytest.approx(clip.speed_mps * clip.duration_s, rel=1e-12)
    assert got.root_position_w[:, 1].mean() == pytest.approx(0, abs=1e-12)
    assert_same_motion(got, lay_out(clip, walker))


def test_a_clip_on_the_spot_keeps_its_first_heading_along_x(clip: MotionClip, walker: Walker) -> None:
    still = np.tile([2.0, 3.0, 0.9], (len(clip.times_s), 1))
    quat = rotations.multiply(rotations.from_yaw(1.2), rotations.from_rotation_vector([0.0, 0.1, 0.0]))
    got = lay_out(dataclasses.replace(clip, root_position_w=still, root_quat_w=np.tile(quat, (len(still), 1))), walker)
    np.testing.assert_allclose(rotations.yaw(got.root_quat_w), 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.root_position_w[:, :2], 0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("height_m", [-3.0, 0.0, 10.0])
def test_feet_come_to_the_floor(clip: MotionClip, walker: Walker, height_m: float) -> None:
    got = lay_out(dataclasses.replace(clip, root_position_w=clip.root_position_w + np.array([0, 0, height_m])), walker)
    _, heights = walker.foot_kinematics(
        walker.assemble_qpos(got.root_position_w, got.root_quat_w, got.joint_angles_rad)
    )
    lowest = heights.min(axis=1)
    assert np.quantile(lowest, 0.2) == pytest.approx(0, abs=1e-12)
    assert np.abs(lowest).max() < 0.005


def test_laying_out_twice_changes_nothing(clip: MotionClip, walker: Walker) -> None:
    once = lay_out(clip, walker)
    assert_same_motion(lay_out(once, walker), once)


def test_joints_are_matched_by_name_and_missing_ones_stay_straight(clip: MotionClip, walker: Walker) -> None:
    order = [3, 7, 0]
    part = dataclasses.replace(
        clip,
        joint_names=(*(clip.joint_names[k] for k in order), "tail"),
        joint_angles_rad=np.column_stack([clip.joint_angles_rad[:, order], np.zeros(len(clip.times_s))]),
    )
    got = lay_out(part, walker)
    assert got.joint_names == walker.joint_names
    np.testing.assert_allclose(got.joint_angles_rad[:, order], clip.joint_angles_rad[:, order], rtol=0, atol=1e-15)
    assert not np.delete(got.joint_angles_rad, order, axis=1).any()


def test_the_motion_of_another_body_is_refused(clip: MotionClip, walker: Walker) -> None:
    other = dataclasses.replace(clip, joint_names=("tail",), joint_angles_rad=clip.joint_angles_rad[:, :1])
    recording = dataclasses.replace(record(clip, walker), rotations={"tail": np.tile(rotations.IDENTITY, (201, 1))})
    text = "the motion and the walker have no joint in common — {} — got tail, expected hip_flexion_r, "
    with pytest.raises(MotionError, match=text.format("gait-1.25")):
        lay_out(other, walker)
    with pytest.raises(MotionError, match=text.format("recorded")):
        retarget(recording, walker)
