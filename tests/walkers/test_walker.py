"""The walker: its anthropometry, its mirror symmetry and its kinematics."""

from __future__ import annotations

import itertools

import mujoco
import numpy as np
import pytest

from mimicrl.geometry.rotations import MIRROR_AXIAL, MIRROR_POLAR, MIRROR_QUAT, from_rotation_vector
from mimicrl.walkers import Walker
from mimicrl.walkers.mjcf import FOOT_SITES
from mimicrl.walkers.registry import load, source

XML = source("walker3d")

HEIGHT_M, MASS_KG = 1.70, 70.0
# Winter 2009, fig. 4.1: fractions of body height.
THIGH, SHANK, ANKLE, FOOT, HIP_HALF_WIDTH = (f * HEIGHT_M for f in (0.245, 0.246, 0.039, 0.152, 0.05))
# de Leva 1996, table 4, male: % of body mass.
MASS_PERCENT = {
    "trunk": 43.46,
    "head": 6.94,
    "upper_arm": 2.71,
    "forearm": 1.62 + 0.61,
    "thigh": 14.16,
    "shank": 4.33,
    "foot": 1.37,
}
HEEL, BALL = 0.25 * FOOT, 0.48 * FOOT  # behind and ahead of the ankle
# de Leva 1996: centre of mass, and radii of gyration about x, y, z as shares of the segment's length.
SEGMENTS = {
    "thigh": (THIGH, (0, 0, -0.4095 * THIGH), (0.329, 0.329, 0.149)),
    "shank": (SHANK, (0, 0, -0.4459 * SHANK), (0.255, 0.249, 0.103)),
    # The foot's long axis lies along x; its centre of mass is measured from the heel.
    "foot": (FOOT, (0.4415 * FOOT - HEEL, 0, None), (0.124, 0.245, 0.257)),
}
SIDES = ("r", "l")


@pytest.fixture(scope="module")
def spec() -> mujoco.MjSpec:
    return mujoco.MjSpec.from_string(XML)


@pytest.fixture(params=["walker", "torque_walker"])
def either(request: pytest.FixtureRequest) -> Walker:
    """The walker with each actuation."""
    return request.getfixturevalue(request.param)


def random_state(walker: Walker, seed: int, clearance_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return qpos, qvel and ctrl of a walker somewhere in a step, its lowest point at a height above the floor."""
    rng = np.random.default_rng(seed)
    root = np.array([[*rng.normal(0, 0.5, 2), 1.0]])
    quat = from_rotation_vector(rng.normal(0, 0.3, (1, 3)))
    joints = rng.uniform(np.maximum(walker.joint_range_rad[:, 0], -0.5), np.minimum(walker.joint_range_rad[:, 1], 0.7))
    qpos = walker.qpos(root, quat, joints)[0]
    qpos[2] += clearance_m - walker.kinematics(qpos[None])[1].min()
    return qpos, rng.normal(0, 1, walker.model.nv), rng.uniform(*walker.model.actuator_ctrlrange.T)


def mirror(walker: Walker, qpos: np.ndarray, qvel: np.ndarray, ctrl: np.ndarray) -> tuple[np.ndarray, ...]:
    """Reflect a state in the x-z plane. A free joint's linear velocity is in the world, its angular one in the body."""
    joints = walker.mirror_joints
    mirrored_pos = [qpos[:3] * MIRROR_POLAR, qpos[3:7] * MIRROR_QUAT, joints(qpos[walker.qpos_index])]
    mirrored_vel = [qvel[:3] * MIRROR_POLAR, qvel[3:6] * MIRROR_AXIAL, joints(qvel[walker.qvel_index])]
    return np.concatenate(mirrored_pos), np.concatenate(mirrored_vel), joints(ctrl)


def step(walker: Walker, qpos: np.ndarray, qvel: np.ndarray, ctrl: np.ndarray, steps: int = 20) -> mujoco.MjData:
    data = mujoco.MjData(walker.model)
    data.qpos, data.qvel, data.ctrl = qpos, qvel, ctrl
    mujoco.mj_step(walker.model, data, steps)
    return data


# --- the body -------------------------------------------------------------------------------------------------------


def test_the_walker_weighs_70_kg(walker: Walker) -> None:
    assert walker.model.body_mass.sum() == pytest.approx(MASS_KG, abs=0.005)


def test_segment_masses_are_de_levas(spec: mujoco.MjSpec) -> None:
    for body in spec.bodies[1:]:
        share = MASS_PERCENT[body.name.removesuffix("_r").removesuffix("_l")] / 100
        assert body.mass == pytest.approx(share * MASS_KG, abs=0.0006), body.name


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("side", SIDES)
def test_leg_segments_have_de_levas_centres_of_mass_and_inertias(spec: mujoco.MjSpec, segment: str, side: str) -> None:
    length, centre, gyration = SEGMENTS[segment]
    body = spec.body(f"{segment}_{side}")
    for got, expected in zip(body.ipos, centre, strict=True):
        if expected is not None:
            assert got == pytest.approx(expected, abs=6e-5)
    np.testing.assert_allclose(body.inertia, body.mass * (np.array(gyration) * length) ** 2, rtol=2e-3)


@pytest.mark.parametrize("side", SIDES)
def test_leg_lengths_are_winters(spec: mujoco.MjSpec, side: str) -> None:
    sign = 1 if side == "l" else -1
    np.testing.assert_allclose(spec.body(f"thigh_{side}").pos, [0, sign * HIP_HALF_WIDTH, 0], atol=6e-5)
    np.testing.assert_allclose(spec.body(f"shank_{side}").pos, [0, 0, -THIGH], atol=6e-5)
    np.testing.assert_allclose(spec.body(f"foot_{side}").pos, [0, 0, -SHANK], atol=6e-5)
    np.testing.assert_allclose(spec.site(f"heel_{side}").pos, [-HEEL, 0, -ANKLE], atol=6e-5)
    np.testing.assert_allclose(spec.site(f"ball_{side}").pos, [BALL, 0, -ANKLE], atol=6e-5)


def test_standing_straight_the_soles_lie_on_the_floor(walker: Walker) -> None:
    sites, heights = walker.kinematics(walker.model.qpos0[None])
    np.testing.assert_allclose(sites[0, :, 2], 0, atol=1e-9)
    np.testing.assert_allclose(heights[0].min(), 0, atol=1e-9)


def test_the_contact_sole_spans_heel_to_ball(walker: Walker) -> None:
    points = walker.contact_points
    for index, side in enumerate(SIDES):
        own = points.body == walker.model.body(f"foot_{side}").id
        assert own.sum() == 8
        heel, ball = (walker.model.site_pos[walker.foot_site_ids[2 * index + k]] for k in (0, 1))
        np.testing.assert_allclose(points.position_b[own].min(axis=0)[[0, 2]], heel[[0, 2]], atol=6e-5)
        np.testing.assert_allclose(points.position_b[own].max(axis=0)[0], ball[0], atol=6e-5)


# --- the model ------------------------------------------------------------------------------------------------------


def test_the_simulation_never_resets_itself(either: Walker) -> None:
    assert either.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_AUTORESET
    unguarded = Walker.from_xml(XML.replace(' autoreset="disable"', ""), name="w", actuation=either.actuation)
    assert unguarded.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_AUTORESET


def test_a_diverged_simulation_stays_visible(walker: Walker) -> None:
    qpos, qvel, ctrl = random_state(walker, 0, 1.0)
    qvel[0] = np.nan
    assert not np.isfinite(step(walker, qpos, qvel, ctrl).qpos).all()


def test_physics_runs_at_400_hz_with_the_implicit_integrator(either: Walker) -> None:
    assert either.model.opt.timestep == 0.0025
    assert either.model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST


def test_physics_runs_at_the_rate_asked_for() -> None:
    assert load("walker3d", "torque", 1000).model.opt.timestep == 0.001


def test_only_the_feet_can_touch_and_only_the_floor(walker: Walker) -> None:
    model = walker.model
    able = {
        frozenset((one, other))
        for one, other in itertools.combinations(range(model.ngeom), 2)
        if model.geom_contype[one] & model.geom_conaffinity[other]
        or model.geom_contype[other] & model.geom_conaffinity[one]
    }
    assert able == {frozenset((model.geom("floor").id, model.geom(f"sole_{side}").id)) for side in SIDES}


def test_joints_are_in_the_actuators_order(either: Walker) -> None:
    model = either.model
    assert len(either.joint_names) == model.nu == 8
    for place, name in enumerate(either.joint_names):
        joint = model.joint(name)
        assert (either.qpos_index[place], either.qvel_index[place]) == (joint.qposadr[0], joint.dofadr[0])
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
    qpos, qvel, ctrl = random_state(torque_walker, 1, 1.2)
    data = step(torque_walker, qpos, qvel, ctrl, 1)
    np.testing.assert_allclose(data.qfrc_actuator[torque_walker.qvel_index], ctrl, rtol=0, atol=1e-12)


def test_nobody_can_change_a_walker(walker: Walker) -> None:
    with pytest.raises(ValueError, match="read-only"):
        walker.torque_limit_nm[0] = 1
    with pytest.raises(AttributeError):
        walker.name = "other"  # type: ignore[misc]


# --- symmetry -------------------------------------------------------------------------------------------------------


def test_mirroring_twice_changes_nothing(walker: Walker) -> None:
    values = np.random.default_rng(0).normal(size=(5, 8))
    np.testing.assert_array_equal(walker.mirror_joints(walker.mirror_joints(values)), values)
    assert not np.array_equal(walker.mirror_joints(values), values)
    for name, other in zip(walker.joint_names, np.array(walker.joint_names)[walker.mirror_index], strict=True):
        assert {name[-2:], other[-2:]} == {"_r", "_l"}
        assert name[:-2] == other[:-2]


@pytest.mark.parametrize("clearance_m", [-0.01, 0.5], ids=["contact", "flight"])
@pytest.mark.parametrize("seed", range(5))
def test_physics_is_the_same_in_the_mirror(either: Walker, seed: int, clearance_m: float) -> None:
    state = random_state(either, seed, clearance_m)
    assert (step(either, *state, 1).ncon > 0) == (clearance_m < 0)
    here, there = step(either, *state), step(either, *mirror(either, *state))
    qpos, qvel, _ = mirror(either, here.qpos, here.qvel, here.ctrl)
    np.testing.assert_allclose(there.qpos, qpos, rtol=0, atol=1e-12)
    np.testing.assert_allclose(there.qvel, qvel, rtol=0, atol=1e-10)


def test_a_joint_in_the_middle_is_its_own_partner() -> None:
    waist = (
        '<body name="chest"><joint name="{0}" axis="{1}" range="-20 20"/>'
        '<inertial mass="1" pos="0 0 0" diaginertia="1 1 1"/></body>'
    )
    xml = XML
    for name, axis in (("bend", "1 0 0"), ("lean", "0 1 0"), ("turn", "0 0 1")):
        xml = xml.replace('<body name="head"', waist.format(name, axis).replace("chest", name) + '<body name="head"')
        xml = xml.replace("</actuator>", f'<position joint="{name}" kp="1" forcerange="-1 1"/></actuator>')
    walker = Walker.from_xml(xml, name="jointed")
    np.testing.assert_array_equal(walker.mirror_index[8:], [8, 9, 10])
    np.testing.assert_array_equal(walker.mirror_sign[8:], [-1, 1, -1])


def test_axes_on_the_same_side_of_the_world_change_sign_in_the_mirror() -> None:
    same = XML.replace('class="hip_adduction" axis="-1 0 0"', 'class="hip_adduction"')
    walker = Walker.from_xml(same, name="w")
    adduction = [name.startswith("hip_adduction") for name in walker.joint_names]
    np.testing.assert_array_equal(walker.mirror_sign, np.where(adduction, -1, 1))


# --- kinematics -----------------------------------------------------------------------------------------------------


def test_kinematics_agrees_with_the_simulation(walker: Walker) -> None:
    rows = np.stack([random_state(walker, seed, -0.02)[0] for seed in range(30)])
    sites, heights = walker.kinematics(rows)
    data, contacts = mujoco.MjData(walker.model), 0
    for row, qpos in enumerate(rows):
        data.qpos = qpos
        mujoco.mj_forward(walker.model, data)
        for index, name in enumerate(FOOT_SITES):
            np.testing.assert_array_equal(sites[row, index], data.site(name).xpos)
        depths = data.contact.dist
        contacts += len(depths)
        assert depths.min() == pytest.approx(heights[row].min(), abs=1e-12)
        for depth in depths:
            assert np.abs(heights[row] - depth).min() < 1e-12
    assert contacts > 30


@pytest.mark.parametrize("kind", ["capsule", "sphere"])
def test_round_feet_touch_where_the_simulation_says(kind: str) -> None:
    walker = Walker.from_xml(XML.replace('<geom type="box" conaffinity', f'<geom type="{kind}" conaffinity'), name=kind)
    rows = np.stack([random_state(walker, seed, -0.05)[0] for seed in range(20)])
    _, heights = walker.kinematics(rows)
    data = mujoco.MjData(walker.model)
    for qpos, own in zip(rows, heights, strict=True):
        data.qpos = qpos
        mujoco.mj_forward(walker.model, data)
        np.testing.assert_allclose(np.sort(data.contact.dist), np.sort(own[own < 0]), rtol=0, atol=1e-12)


def test_moving_the_root_moves_the_feet_with_it(walker: Walker) -> None:
    qpos = random_state(walker, 3, 0.9)[0]
    shifted = qpos + np.array([1.0, -2.0, 0.5, *[0.0] * (len(qpos) - 3)])
    sites, heights = walker.kinematics(np.stack([qpos, shifted]))
    np.testing.assert_allclose(sites[1] - sites[0], np.tile([1.0, -2.0, 0.5], (4, 1)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(heights[1] - heights[0], 0.5, rtol=0, atol=1e-12)


def test_assembling_qpos_puts_every_joint_in_its_place(walker: Walker) -> None:
    angles = np.arange(16.0).reshape(2, 8)
    rows = walker.qpos(np.ones((2, 3)), np.tile([0.0, 1.0, 0.0, 0.0], (2, 1)), angles)
    assert rows.shape == (2, walker.model.nq)
    np.testing.assert_array_equal(rows[:, walker.qpos_index], angles)
    np.testing.assert_array_equal(rows[:, :7], np.tile([1.0, 1, 1, 0, 1, 0, 0], (2, 1)))
