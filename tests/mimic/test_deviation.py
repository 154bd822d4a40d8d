"""How far off the reference: zero on it, the angle between orientations, the same whatever a quaternion's sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from mimicrl import rotations
from mimicrl.mimic.deviation import compare, rotation_error
from mimicrl.motions import ReferenceTrajectory


def test_on_the_reference_there_is_none(on_reference: Any, reference: ReferenceTrajectory) -> None:
    for part in compare(on_reference.measure(), reference.at_phase(on_reference.phase)):
        np.testing.assert_allclose(part, 0, atol=1e-8)


def test_it_is_what_the_states_numbers_say(rows: Any, reference: ReferenceTrajectory) -> None:
    state, frame = rows.measure(), reference.at_phase(rows.phase)
    got = compare(state, frame)
    squares = {
        name: ((getattr(state, name) - getattr(frame, name)) ** 2).sum(axis=1)
        for name in ("joint_angles_rad", "joint_velocities", "root_angular_velocity_b", "feet_h")
    }
    np.testing.assert_allclose(got.joint_angles, squares["joint_angles_rad"], rtol=1e-12)
    rates = squares["joint_velocities"] + squares["root_angular_velocity_b"]
    np.testing.assert_allclose(got.velocities, rates, rtol=1e-12)
    np.testing.assert_allclose(got.feet, squares["feet_h"], rtol=1e-12)
    np.testing.assert_array_equal(got.rotation_rad, rotation_error(state.root_quat_w, frame.root_quat_w))
    np.testing.assert_array_equal(got.root_position_w, state.root_position_w - frame.root_position_w)
    np.testing.assert_array_equal(got.root_velocity_w, state.root_velocity_w - frame.root_velocity_w)


def test_a_quaternion_and_its_negative_are_one_orientation(rows: Any, reference: ReferenceTrajectory) -> None:
    qpos = rows.qpos.copy()
    qpos[:, 3:7] *= -1
    frame = reference.at_phase(rows.phase)
    for here, there in zip(
        compare(rows.measure(), frame), compare(rows._replace(qpos=qpos).measure(), frame), strict=True
    ):
        np.testing.assert_allclose(here, there, rtol=0, atol=1e-12)


def test_many_rows_at_once_equal_single_ones_to_the_last_bit(rows: Any, reference: ReferenceTrajectory) -> None:
    together = compare(rows.measure(), reference.at_phase(rows.phase))
    for n in range(len(rows.phase)):
        one = rows._replace(phase=rows.phase[n : n + 1], qpos=rows.qpos[n : n + 1], qvel=rows.qvel[n : n + 1])
        alone = compare(one.measure(), reference.at_phase(one.phase))
        for part, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(part[n : n + 1], single)


def test_the_rotation_error_is_the_angle_between_orientations() -> None:
    rng = np.random.default_rng(0)
    start = rotations.from_rotation_vector(rng.normal(0, 1, (50, 3)))
    axis = rotations.normalize(rng.normal(size=(50, 3)))
    angle = rng.uniform(0, np.pi, 50)
    end = rotations.multiply(start, rotations.from_rotation_vector(axis * angle[:, None]))
    for left, right in ((end, start), (start, end), (-end, start)):
        np.testing.assert_allclose(rotation_error(left, right), angle, rtol=0, atol=1e-9)
    np.testing.assert_allclose(rotation_error(start, start), 0, atol=1e-15)
