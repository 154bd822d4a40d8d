"""How far off the reference: zero on it, the angle between orientations, the same whatever a quaternion's sign."""

from __future__ import annotations

import numpy as np
from mdp.rows import Rows

from mimicrl.geometry import rotations
from mimicrl.mdp.error import tracking_error
from mimicrl.motions import ReferenceTrajectory


def test_on_the_reference_there_is_none(on_reference: Rows, reference: ReferenceTrajectory) -> None:
    for part in tracking_error(on_reference.measure(), reference.at_phase(on_reference.phase)):
        np.testing.assert_allclose(part, 0, atol=1e-8)


def test_it_is_what_the_states_numbers_say(rows: Rows, reference: ReferenceTrajectory) -> None:
    state, frame = rows.measure(), reference.at_phase(rows.phase)
    got = tracking_error(state, frame)
    squares = {
        name: ((getattr(state, name) - getattr(frame, name)) ** 2).sum(axis=1)
        for name in ("joint_angles_rad", "joint_velocities", "root_angular_velocity_b", "feet_h")
    }
    np.testing.assert_allclose(got.joint_angles_squared, squares["joint_angles_rad"], rtol=1e-12)
    rates = squares["joint_velocities"] + squares["root_angular_velocity_b"]
    np.testing.assert_allclose(got.rates_squared, rates, rtol=1e-12)
    np.testing.assert_allclose(got.feet_squared, squares["feet_h"], rtol=1e-12)
    np.testing.assert_array_equal(got.root_position_w, state.root_position_w - frame.root_position_w)
    np.testing.assert_array_equal(got.root_velocity_w, state.root_velocity_w - frame.root_velocity_w)


def test_a_quaternion_and_its_negative_are_one_orientation(rows: Rows, reference: ReferenceTrajectory) -> None:
    qpos = rows.qpos.copy()
    qpos[:, 3:7] *= -1
    frame = reference.at_phase(rows.phase)
    for here, there in zip(
        tracking_error(rows.measure(), frame), tracking_error(rows._replace(qpos=qpos).measure(), frame), strict=True
    ):
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-12)


def test_many_rows_at_once_equal_single_ones_to_the_last_bit(rows: Rows, reference: ReferenceTrajectory) -> None:
    together = tracking_error(rows.measure(), reference.at_phase(rows.phase))
    for n in range(len(rows.phase)):
        one = rows._replace(phase=rows.phase[n : n + 1], qpos=rows.qpos[n : n + 1], qvel=rows.qvel[n : n + 1])
        alone = tracking_error(one.measure(), reference.at_phase(one.phase))
        for part, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(part[n : n + 1], single)


def test_the_rotation_is_the_angle_between_orientations(on_reference: Rows, reference: ReferenceTrajectory) -> None:
    rng = np.random.default_rng(0)
    frame, count = reference.at_phase(on_reference.phase), len(on_reference.phase)
    axis = rotations.normalize(rng.normal(size=(count, 3)))
    angle = rng.uniform(0, np.pi, count)
    turn = rotations.from_rotation_vector(axis * angle[:, None])
    for turned in (rotations.multiply(turn, frame.root_quat_w), -rotations.multiply(frame.root_quat_w, turn)):
        qpos = on_reference.qpos.copy()
        qpos[:, 3:7] = turned
        got = tracking_error(on_reference._replace(qpos=qpos).measure(), frame)
        np.testing.assert_allclose(got.rotation_rad, angle, rtol=0, atol=1e-9)
    np.testing.assert_allclose(tracking_error(on_reference.measure(), frame).rotation_rad, 0, atol=1e-14)
