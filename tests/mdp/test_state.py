"""The measured state agrees with MuJoCo's own, and everything but place and heading is the same anywhere."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.geometry import rotations
from mimicrl.motions import ReferenceTrajectory

WORLD = {"root_position_w", "root_quat_w", "yaw_rad", "root_velocity_w", "values"}


def test_measurements_are_mujocos(rows: Rows) -> None:
    model, state = rows.walker.model, rows.measure()
    data, velocity = mujoco.MjData(model), np.empty(6)
    for row in range(len(rows.phase)):
        data.qpos, data.qvel = rows.qpos[row], rows.qvel[row]
        mujoco.mj_forward(model, data)
        body = int(model.jnt_bodyid[0])
        np.testing.assert_allclose(state.root_position_w[row], data.xpos[body], rtol=0, atol=1e-12)
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, velocity, 1)
        np.testing.assert_allclose(state.root_angular_velocity_b[row], velocity[:3], rtol=0, atol=1e-12)
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, velocity, 0)
        np.testing.assert_allclose(state.root_velocity_w[row], velocity[3:], rtol=0, atol=1e-12)
        for place, name in enumerate(rows.walker.joint_names):
            assert state.joint_angles_rad[row, place] == data.joint(name).qpos[0]
            assert state.joint_velocities[row, place] == data.joint(name).qvel[0]


def test_heading_pitch_and_roll_rebuild_the_orientation_and_the_velocity(rows: Rows) -> None:
    state = rows.measure()
    quat = rotations.from_yaw(state.yaw_rad)
    ahead = rotations.rotate(rotations.conjugate(quat), state.root_velocity_w)
    np.testing.assert_allclose(state.root_velocity_h, ahead, rtol=0, atol=1e-12)
    for axis, angle in (((0, 1, 0), state.pitch_rad), ((1, 0, 0), state.roll_rad)):
        quat = rotations.multiply(quat, rotations.from_axis_angle(axis, angle))
    relative = rotations.to_rotation_vector(rotations.multiply(rotations.conjugate(quat), state.root_quat_w))
    np.testing.assert_allclose(relative, 0, atol=1e-7)


@pytest.mark.parametrize("heading_rad", [-2.0, 0.7, 3.0])
def test_only_the_worlds_measures_change_with_place_and_heading(rows: Rows, heading_rad: float) -> None:
    here, there = rows.measure(), rows.moved(heading_rad, (3.0, -4.0)).measure()
    for name in here._fields:
        same = np.allclose(getattr(here, name), getattr(there, name), rtol=0, atol=1e-9)
        assert same == (name not in WORLD), name


def test_on_the_reference_the_state_is_the_reference(on_reference: Rows, reference: ReferenceTrajectory) -> None:
    state, frame = on_reference.measure(), reference.at_phase(on_reference.phase)
    for name in ("root_position_w", "root_quat_w", "joint_angles_rad", "root_velocity_w", "joint_velocities"):
        np.testing.assert_array_equal(getattr(state, name), getattr(frame, name))
    np.testing.assert_allclose(state.feet_h, frame.feet_h, rtol=0, atol=1e-5)


def test_the_state_owns_its_numbers(rows: Rows) -> None:
    copy = rows._replace(qpos=rows.qpos.copy(), qvel=rows.qvel.copy(), phase=rows.phase.copy())
    state = copy.measure()
    before = [part.copy() for part in state]
    for array in (copy.qpos, copy.qvel, copy.phase):
        array[:] = np.nan
    for part, old in zip(state, before, strict=True):
        np.testing.assert_array_equal(part, old)


def test_what_the_reference_has_too_stands_side_by_side_in_its_order(
    rows: Rows, reference: ReferenceTrajectory
) -> None:
    state, frame = rows.measure(), reference.at_phase(rows.phase)
    names = frame._fields[: frame._fields.index("clearance_m")]
    parts = [getattr(state, name) for name in names]
    assert all(np.shares_memory(part, state.values) for part in parts)
    np.testing.assert_array_equal(np.hstack(parts), state.values)
