"""The model that is simulated moves as the one that is looked at."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from mimicrl.walkers import Walker
from mimicrl.walkers.physics import without_looks
from mimicrl.walkers.registry import source

XML = source("walker3d")


@pytest.mark.parametrize("actuation", ["position", "torque"])
def test_it_moves_to_the_same_bits_on_the_ground_and_in_the_air(actuation) -> None:
    walker = Walker.from_xml(XML, name="walker3d", actuation=actuation)
    assert walker.physics.ngeom < walker.model.ngeom, "there is something to leave out"
    rng = np.random.default_rng(1)
    for height_m in (0.9, 0.95, 1.5):
        data = [mujoco.MjData(model) for model in (walker.model, walker.physics)]
        contacts = 0
        for step in range(400):
            ctrl = rng.normal(0, 0.3, walker.model.nu)
            for model, each in zip((walker.model, walker.physics), data, strict=True):
                if not step:
                    each.qpos[2] = height_m
                each.ctrl[:] = ctrl
                mujoco.mj_step(model, each)
            contacts += data[0].ncon
            assert np.array_equal(data[0].qpos, data[1].qpos) and np.array_equal(data[0].qvel, data[1].qvel)
            assert np.array_equal(data[0].site_xpos, data[1].site_xpos)
        assert contacts or height_m > 1.0, "the ground was felt"


def test_what_touches_stays() -> None:
    walker = Walker.from_xml(XML, name="walker3d")
    names = {walker.physics.geom(index).name for index in range(walker.physics.ngeom)}
    assert names == {"floor", "sole_r", "sole_l"}


BODY = "<mujoco><worldbody><body><freejoint/>{}</body></worldbody>{}</mujoco>"
TOUCHES = '<geom name="a" size=".1" mass="1"/>'
LOOKS = '<geom name="b" size=".2" contype="0" conaffinity="0" mass="{}"/>'


@pytest.mark.parametrize(
    ("inside", "outside", "left"),
    [
        (TOUCHES + LOOKS.format(0), "", 1),
        (TOUCHES + LOOKS.format(1), "", 2),
        (TOUCHES + LOOKS.format(0), '<contact><pair geom1="a" geom2="b"/></contact>', 2),
        (TOUCHES + LOOKS.format(0), '<sensor><framepos objtype="geom" objname="b"/></sensor>', 2),
        (LOOKS.format(1), "", 1),
        (TOUCHES + LOOKS.format(0).replace("/>", ' fluidshape="ellipsoid"/>'), "", 2),
    ],
    ids=["only looks", "has mass", "in a contact pair", "is sensed", "is all there is", "swims"],
)
def test_a_geom_that_something_hangs_on_stays(inside: str, outside: str, left: int) -> None:
    spec = mujoco.MjSpec.from_string(BODY.format(inside, outside))
    model = spec.compile()
    smaller = without_looks(spec, model)
    assert smaller.ngeom == left
    assert (smaller is model) == (left == model.ngeom)
    assert len(spec.geoms) == model.ngeom, "what it was made of stays as it is"
