"""What walker.yaml says: roles and sides of joints, feet, end effectors, gains; and what is inferred without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import yaml

from mimicrl.errors import WalkerError
from mimicrl.walkers import Walker, library
from mimicrl.walkers.metadata import ANATOMY, Joints, Role, WalkerMetadata

FILES = library.bundled("walker3d")


def compiled(change: dict[str, Any] | None = None, xml: str = FILES.xml, **options: Any) -> Walker:
    """walker3d with other metadata; ``joints`` replaces roles, everything else fields."""
    content = yaml.safe_load(FILES.metadata or "")
    change = change or {}
    content |= change | {"joints": content["joints"] | change.get("joints", {})}
    return Walker.from_xml(xml, yaml.safe_dump(content), name="mine", **options)


def refused(text: str) -> str:
    with pytest.raises(WalkerError) as caught:
        Walker.from_xml(FILES.xml, text, name="mine")
    return str(caught.value)


def pair(stem: str, **more: Any) -> dict[str, Any]:
    return {"right": f"{stem}_r", "left": f"{stem}_l", **more}


def test_every_role_belongs_to_one_anatomical_joint() -> None:
    roles = [role for joint in ANATOMY.values() for role in joint]
    assert sorted(roles) == sorted({*Joints.model_fields} - {"others"})


def test_what_is_inferred_from_names_is_what_the_file_says(walker: Walker) -> None:
    bare = Walker.from_xml(walker.xml, name="bare")
    assert bare.inferred
    assert bare.roles == walker.roles
    for array in ("foot_site_ids", "end_effector_site_ids", "mirror_index", "mirror_sign"):
        np.testing.assert_array_equal(getattr(bare, array), getattr(walker, array))


def test_inferred_metadata_are_read_back() -> None:
    names = ["hip_flexion_r", "hip_flexion_l", "tail_r", "tail_l", "lumbar_extension", "neck"]
    metadata = WalkerMetadata.inferred(names, "mine")
    assert WalkerMetadata.parse(metadata.to_yaml(), "walker.yaml") == metadata
    assert metadata.roles(names, "mine") == (
        Role("hip_flexion", "right"),
        Role("hip_flexion", "left"),
        Role("tail", "right"),
        Role("tail", "left"),
        Role("lumbar_extension", "middle"),
        Role("neck", "middle"),
    )


def test_joints_may_have_any_names(walker: Walker) -> None:
    xml = walker.xml.replace('"knee_flexion_r"', '"rk"').replace('"knee_flexion_l"', '"lk"')
    renamed = compiled({"joints": {"knee_flexion": {"right": "rk", "left": "lk"}}}, xml)
    assert "rk" in renamed.joint_names
    assert renamed.roles == walker.roles
    assert renamed.hinges("knee", "left") == walker.hinges("knee", "left")
    np.testing.assert_array_equal(renamed.mirror_index, walker.mirror_index)


def test_hinges_of_a_joint_are_in_the_order_of_the_body(walker: Walker) -> None:
    assert [walker.joint_names[index] for index in walker.hinges("hip", "left")] == ["hip_flexion_l", "hip_adduction_l"]
    assert walker.hinges("hip", "middle") == walker.hinges("elbow", "left") == []


def test_end_effectors_may_be_any_sites(walker: Walker) -> None:
    hands = walker.xml.replace('<geom name="hand_r"', '<site name="hand_r" pos="0 0 -.3"/><geom name="hand_r"')
    armed = compiled({"end_effectors": ["hand_r", "heel_l"]}, hands)
    qpos = armed.model.qpos0[None]
    positions = armed.end_effector_positions(qpos)
    assert positions.shape == (1, 2, 3)
    np.testing.assert_array_equal(positions[:, 1], armed.foot_kinematics(qpos)[0][:, 2])


@pytest.mark.parametrize("actuation", ["position", "torque"])
def test_gains_of_the_metadata_make_servos_of_motors(actuation: Any, walker: Walker) -> None:
    motors = walker.xml
    for side in "rl":
        servo = f'<position name="knee_flexion_{side}" joint="knee_flexion_{side}" class="knee_flexion"/>'
        assert servo in motors
        motors = motors.replace(servo, f'<motor joint="knee_flexion_{side}" ctrlrange="-1 1"/>')
    gains = {"kp": 300.0, "kv": 15.0, "torque_limit_nm": 250.0}
    same = compiled({"joints": {"knee_flexion": pair("knee_flexion", gains=gains)}}, motors, actuation=actuation)
    expected = Walker.from_xml(walker.xml, name="mine", actuation=actuation)
    for field in ("actuator_gainprm", "actuator_biasprm", "actuator_ctrlrange", "actuator_forcerange"):
        np.testing.assert_array_equal(getattr(same.model, field), getattr(expected.model, field))
    np.testing.assert_array_equal(same.torque_limit_nm, expected.torque_limit_nm)


WRONG_ROLES = {
    "no such joint": (
        {"knee_flexion": {"right": "knee_flexion_r", "left": "knee_flex_l"}},
        "a role names no actuated hinge of the MJCF — walker.yaml of mine, joints.knee_flexion.left — got knee_flex_l",
    ),
    "two roles": (
        {"ankle_inversion": pair("knee_flexion")},
        "a joint has two roles — walker.yaml of mine, joints.ankle_inversion.right — got knee_flexion_r",
    ),
    "no role": (
        {"knee_flexion": None},
        "an actuated hinge has no role — walker.yaml of mine, joints — got no role for knee_flexion_r, "
        "knee_flexion_l — add it to walker.yaml, under its role or under `others`",
    ),
}


@pytest.mark.parametrize("case", WRONG_ROLES)
def test_every_actuated_hinge_has_one_role(case: str) -> None:
    joints, text = WRONG_ROLES[case]
    with pytest.raises(WalkerError) as caught:
        compiled({"joints": joints})
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("hip_flexion:", "hip_flexon:", "line 8, joints.hip_flexon: Extra inputs are not permitted"),
        ("left: knee_flexion_l", "middle: knee_flexion_l", "line 10, joints.knee_flexion: Value error, give right and"),
        ("licence: MIT\n", "", "line 1, licence: Field required"),
        ("{heel: heel_l", "{heel: 3", "line 14, feet.left.heel: Input should be a valid string"),
        ("[heel_r, ball_r, heel_l, ball_l]", "[]", "line 15, end_effectors: "),
    ],
)
def test_a_wrong_field_is_named_with_its_line(old: str, new: str, text: str) -> None:
    content = FILES.metadata or ""
    assert old in content
    told = refused(content.replace(old, new))
    assert told.startswith("the walker's metadata are wrong — walker.yaml of mine — got ")
    assert text in told


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "- a", "d: 2020-01-01"])
def test_what_is_no_mapping_in_yaml_is_refused(text: str) -> None:
    assert "walker.yaml of mine" in refused(text)
    assert "\n" not in refused(text)
