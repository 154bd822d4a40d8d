"""The MJCF contract of a walker: each way to break it is refused with its own text."""

from __future__ import annotations

import pytest

from mimicrl.errors import WalkerError
from mimicrl.walkers import Walker, library

XML = library.bundled("walker3d").xml


def edited(*changes: tuple[str, str]) -> str:
    xml = XML
    for old, new in changes:
        assert old in xml
        xml = xml.replace(old, new)
    return xml


KNEE_L = '<position name="knee_flexion_l" joint="knee_flexion_l" class="knee_flexion"/>'
PASSIVE = '<body><joint {}/><inertial mass="1" pos="0 0 0" diaginertia="1 1 1"/></body>'
BROKEN = {
    "malformed": (XML[:3000], "MuJoCo cannot compile the walker — mine — got XML parse error"),
    "empty": ("", "MuJoCo cannot compile the walker — mine — got "),
    "no MJCF": ("walker", "MuJoCo cannot compile the walker — mine — got XML parse error"),
    "unknown element": (
        edited(("<worldbody>", "<worldboby/><worldbody>")),
        "MuJoCo cannot compile the walker — mine — got XML Error: Schema violation: unrecognized element",
    ),
    "include": (
        edited(("<worldbody>", '<include file="/etc/passwd"/><worldbody>')),
        "a walker must be one self-contained MJCF file — mine — got '<include' — "
        "inline what it includes, and replace meshes by primitive geoms",
    ),
    "mesh": (
        edited(("<asset>", '<asset><mesh name="m" file = "m.stl"/>')),
        "a walker must be one self-contained MJCF file — mine — got 'file ='",
    ),
    "texture file": (
        edited(('type="skybox"', 'type="skybox" fileright="a.png"')),
        "a walker must be one self-contained MJCF file — mine — got 'fileright='",
    ),
    "plugin": (
        edited(("<worldbody>", '<extension><plugin plugin="p"/></extension><worldbody>')),
        "a walker must be one self-contained MJCF file — mine — got '<extension'",
    ),
    "no free joint": (
        edited(('<freejoint name="root"/>', "")),
        "a walker needs one free joint, its root, before all others — mine — got 0 free joints",
    ),
    "two free joints": (
        edited(
            ("</worldbody>", '<body><freejoint/><geom size=".1" mass="1"/></body></worldbody>'),
            ('inertiafromgeom="false"', 'inertiafromgeom="auto"'),
        ),
        "a walker needs one free joint, its root, before all others — mine — got 2 free joints",
    ),
    "no actuators": (
        XML[: XML.index("<actuator>")] + "</mujoco>",
        "a walker needs actuators on its joints, and on nothing else — mine",
    ),
    "actuated site": (
        edited((KNEE_L, '<motor site="heel_l" forcerange="-1 1"/>')),
        "a walker needs actuators on its joints, and on nothing else — mine",
    ),
    "slide": (
        edited(
            (
                'name="knee_flexion_l" class="knee_flexion"/>\n          ',
                'name="knee_flexion_l" type="slide" range="-1 1"/>',
            )
        ),
        "every actuator must drive a hinge — mine",
    ),
    "passive slide": (
        edited(('<body name="head"', PASSIVE.format('type="slide" range="-1 1"') + '<body name="head"')),
        "every joint but the root must be a hinge — mine",
    ),
    "passive ball": (
        edited(('<body name="head"', PASSIVE.format('type="ball"') + '<body name="head"')),
        "every joint but the root must be a hinge — mine",
    ),
    "no limits": (
        edited(('<joint axis="0 1 0" range="-2 140"/>', '<joint axis="0 1 0"/>'), (' inheritrange="1"', "")),
        'a joint has no limits — mine — got knee_flexion_r, knee_flexion_l — add range="LOW HIGH"',
    ),
    "two actuators": (
        edited((KNEE_L, KNEE_L + KNEE_L.replace('name="knee_flexion_l" ', 'name="again" '))),
        "a joint has two actuators — mine — expected one for each controlled hinge",
    ),
    "motor": (
        edited((KNEE_L, '<motor name="knee_flexion_l" joint="knee_flexion_l" forcerange="-1 1"/>')),
        "every actuator must be a plain position servo — mine — use <position",
    ),
    "lagging servo": (
        edited((KNEE_L, KNEE_L.replace("/>", ' timeconst=".05"/>'))),
        "every actuator must be a plain position servo — mine — use <position",
    ),
    "no forcerange": (
        edited(('kp="200" kv="8" forcerange="-200 200"', 'kp="200" kv="8"')),
        'every actuator needs a forcerange — mine — add forcerange="-200 200"',
    ),
    "unpaired": (
        edited(("knee_flexion_l", "knee_flex_l")),
        "a joint has no partner on the other side — mine, joint knee_flexion_r — got joints hip_flexion_r, "
        "hip_adduction_r, knee_flexion_r, ankle_dorsiflexion_r, hip_flexion_l, hip_adduction_l, knee_flex_l, "
        "ankle_dorsiflexion_l, expected knee_flexion_l (nearest: knee_flex_l)",
    ),
    "askew": (
        edited(('axis="-1 0 0"', 'axis="0 0 1"')),
        "a joint's axis is not the mirror image of its partner's — mine, joint hip_adduction_r — "
        "got axis [1.0, 0.0, 0.0], expected [-0.0, 0.0, -1.0] or its opposite",
    ),
    "no sites": (
        edited(('name="heel_r"', 'name="hell_r"'), ('<site name="ball_l"', '<site name="bal_l"')),
        "the walker's feet or end effectors are not marked — mine — got sites hell_r, ball_r, heel_l, bal_l, "
        "expected sites heel_r, ball_l — add them to the MJCF, or name others in walker.yaml",
    ),
    "no floor": (
        edited(('<geom name="floor"', '<geom name="ground"')),
        "the model has no floor — mine — expected a plane geom named floor",
    ),
    "feet touch nothing": (
        edited((' contype="1" condim="3"', ' condim="3"')),
        "no geom of the feet can touch the floor — mine — set contype and conaffinity",
    ),
    "odd feet": (
        edited(('<geom type="box" conaffinity', '<geom type="ellipsoid" conaffinity')),
        "a foot must stand on boxes, capsules or spheres — geom sole_r",
    ),
}


@pytest.mark.fault(26)
@pytest.mark.parametrize("case", BROKEN)
def test_a_model_that_breaks_the_contract_is_refused(case: str) -> None:
    xml, text = BROKEN[case]
    with pytest.raises(WalkerError) as caught:
        Walker.from_xml(xml, name="mine")
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)
