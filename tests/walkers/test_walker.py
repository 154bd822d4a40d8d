"""A compiled walker: its model, its two actuations, and where its feet are."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from walker_states import State

from mimicrl.walkers import Walker, load


def test_the_simulation_never_resets_itself(either: Walker) -> None:
    unguarded = either.xml.replace(' autoreset="disable"', "")
    for walker in (either, Walker.from_xml(unguarded, name="w", actuation=either.actuation)):
        assert walker.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_AUTORESET


def test_a_diverged_simulation_stays_visible(walker: Walker) -> None:
    state = State.random(walker, 0, 1.0)
    state.qvel[0] = np.nan
    assert not np.isfinite(state.stepped(20).qpos).all()


def test_physics_runs_at_the_rate_asked_for() -> None:
    assert load("walker3d", "torque", 1000).model.opt.timestep == 0.001


def test_joints_are_in_the_actuators_order(either: Walker) -> None:
    model = either.model
    assert len(either.joint_names) == len(either.roles) == model.nu
    for place, name in enumerate(either.joint_names):
        joint = model.joint(name)
        assert either.qpos_index[place] == joint.qposadr[0]
        assert either.qvel_index[place] == joint.dofadr[0]
        np.testing.assert_array_equal(either.joint_range_rad[place], joint.range)


def test_both_actuations_share_everything_but_their_actuators(walker: Walker, torque_walker: Walker) -> None:
    np.testing.assert_array_equal(walker.torque_limit_nm, torque_walker.torque_limit_nm)
    np.testing.assert_array_equal(walker.joint_range_rad, torque_walker.joint_range_rad)
    np.testing.assert_array_equal(walker.model.dof_damping, torque_walker.model.dof_damping)
    assert (walker.torque_limit_nm > 0).all()


def test_position_targets_reach_over_the_joint_range(walker: Walker) -> None:
    np.testing.assert_allclose(walker.model.actuator_ctrlrange, walker.joint_range_rad, rtol=1e-12)


def test_torques_reach_to_the_force_limit_and_act_as_commanded(torque_walker: Walker) -> None:
    model = torque_walker.model
    np.testing.assert_array_equal(model.actuator_ctrlrange, model.actuator_forcerange)
    state = State.random(torque_walker, 1, 1.2)
    applied = state.stepped(1).qfrc_actuator[torque_walker.qvel_index]
    np.testing.assert_allclose(applied, state.ctrl, rtol=0, atol=1e-12)


def test_nobody_can_change_a_walker(walker: Walker) -> None:
    with pytest.raises(ValueError, match="read-only"):
        walker.torque_limit_nm[0] = 1
    with pytest.raises(AttributeError):
        walker.name = "other"  # type: ignore[misc]


def test_the_feet_are_where_the_simulation_says(walker: Walker) -> None:
    rows = np.stack([State.random(walker, seed, -0.02).qpos for seed in range(30)])
    sites, heights = walker.foot_kinematics(rows)
    data, contacts = mujoco.MjData(walker.model), 0
    for row, qpos in enumerate(rows):
        data.qpos = qpos
        mujoco.mj_forward(walker.model, data)
        for index, name in enumerate(("heel_r", "ball_r", "heel_l", "ball_l")):
            np.testing.assert_array_equal(sites[row, index], data.site(name).xpos)
        depths = data.contact.dist
        contacts += len(depths)
        assert depths.min() == pytest.approx(heights[row].min(), abs=1e-12)
        for depth in depths:
            assert np.abs(heights[row] - depth).min() < 1e-12
    assert contacts > 30
    np.testing.assert_array_equal(walker.end_effector_positions(rows), sites)


@pytest.mark.parametrize("kind", ["capsule", "sphere"])
def test_round_feet_touch_where_the_simulation_says(kind: str, walker: Walker) -> None:
    xml = walker.xml.replace('<geom type="box" conaffinity', f'<geom type="{kind}" conaffinity')
    round_footed = Walker.from_xml(xml, name=kind)
    rows = np.stack([State.random(round_footed, seed, -0.05).qpos for seed in range(20)])
    data = mujoco.MjData(round_footed.model)
    for qpos, own in zip(rows, round_footed.foot_kinematics(rows)[1], strict=True):
        data.qpos = qpos
        mujoco.mj_forward(round_footed.model, data)
        np.testing.assert_allclose(np.sort(data.contact.dist), np.sort(own[own < 0]), rtol=0, atol=1e-12)


def test_assembling_qpos_puts_every_joint_in_its_place(walker: Walker) -> None:
    angles = np.arange(2.0 * len(walker.joint_names)).reshape(2, -1)
    rows = walker.assemble_qpos(np.ones((2, 3)), np.tile([0.0, 1.0, 0.0, 0.0], (2, 1)), angles)
    assert rows.shape == (2, walker.model.nq)
    np.testing.assert_array_equal(rows[:, walker.qpos_index], angles)
    np.testing.assert_array_equal(rows[:, :7], np.tile([1.0, 1, 1, 0, 1, 0, 0], (2, 1)))
