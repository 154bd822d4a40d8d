"""How far off the reference: differences of the state's numbers, and the angle between orientations."""

from __future__ import annotations

import numpy as np
from mdp.rows import Rows

from mimicrl.geometry import rotations
from mimicrl.mdp.error import tracking_error
from mimicrl.motions import ReferenceTrajectory


def test_errors_are_the_differences_of_the_states_numbers(rows: Rows, reference: ReferenceTrajectory) -> None:
    state, frame = rows.measure(), reference.at_phase(rows.phase)
    got = tracking_error(state, frame)
    squares = {
        name: ((getattr(state, name) - getattr(frame, name)) ** 2).sum(axis=1)
        for name in ("joint_angles_rad", "joint_velocities", "root_angular_velocity_b", "feet_h")
    }
    rates = squares["joint_velocities"] + squares["root_angular_velocity_b"]
    np.testing.assert_allclose(got.joint_angles_squared, squares["joint_angles_rad"], rtol=1e-12)
    np.testing.assert_allclose(got.rates_squared, rates, rtol=1e-12)
    np.testing.assert_allclose(got.feet_squared, squares["feet_h"], rtol=1e-12)
    np.testing.assert_array_equal(got.root_position_w, state.root_position_w - frame.root_position_w)
    np.testing.assert_array_equal(got.root_velocity_w, state.root_velocity_w - frame.root_velocity_w)


def test_the_rotation_is_the_angle_whatever_the_sign_of_the_quaternion(
    on_reference: Rows, reference: ReferenceTrajectory
) -> None:
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
