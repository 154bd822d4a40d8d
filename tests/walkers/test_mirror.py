"""The mirror map: physics is the same on the other side."""

from __future__ import annotations

import numpy as np
import pytest
from walker_states import State

from mimicrl.walkers import Walker


def test_mirroring_twice_changes_nothing(walker: Walker) -> None:
    values = np.random.default_rng(0).normal(size=(5, len(walker.joint_names)))
    np.testing.assert_array_equal(walker.mirror_joints(walker.mirror_joints(values)), values)
    for role, other in zip(walker.roles, (walker.roles[index] for index in walker.mirror_index), strict=True):
        assert role.name == other.name
        assert {role.side, other.side} == {"right", "left"}


@pytest.mark.parametrize("clearance_m", [-0.01, 0.5], ids=["contact", "flight"])
@pytest.mark.parametrize("seed", range(5))
def test_physics_is_the_same_in_the_mirror(either: Walker, seed: int, clearance_m: float) -> None:
    state = State.random(either, seed, clearance_m)
    assert (state.stepped(1).ncon > 0) == (clearance_m < 0)
    here, there = state.stepped(20), state.mirrored().stepped(20)
    expected = State(either, here.qpos, here.qvel, here.ctrl).mirrored()
    np.testing.assert_allclose(there.qpos, expected.qpos, rtol=0, atol=1e-12)
    np.testing.assert_allclose(there.qvel, expected.qvel, rtol=0, atol=1e-10)


def test_a_joint_in_the_middle_is_its_own_partner(walker: Walker) -> None:
    xml = walker.xml
    for name, axis in (("bend", "1 0 0"), ("lean", "0 1 0"), ("turn", "0 0 1")):
        body = f'<body name="{name}"><joint name="{name}" axis="{axis}" range="-20 20"/>'
        mass = '<inertial mass="1" pos="0 0 0" diaginertia="1 1 1"/></body>'
        xml = xml.replace('<body name="head"', f'{body}{mass}<body name="head"')
        xml = xml.replace("</actuator>", f'<position joint="{name}" kp="1" forcerange="-1 1"/></actuator>')
    jointed = Walker.from_xml(xml, name="jointed")
    np.testing.assert_array_equal(jointed.mirror_index[8:], [8, 9, 10])
    np.testing.assert_array_equal(jointed.mirror_sign[8:], [-1, 1, -1])


def test_axes_on_the_same_side_of_the_world_change_sign_in_the_mirror(walker: Walker) -> None:
    same = walker.xml.replace('class="hip_adduction" axis="-1 0 0"', 'class="hip_adduction"')
    changed = Walker.from_xml(same, walker.metadata, name="w")
    adduction = [role.name == "hip_adduction" for role in changed.roles]
    np.testing.assert_array_equal(changed.mirror_sign, np.where(adduction, -1, 1))
