"""The model that is simulated moves as the one that is looked at."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from mimicrl.walkers import Walker
from mimicrl.walkers.simulation_model import simulation_model


@pytest.mark.parametrize("actuation", ["walker", "torque_walker"])
@pytest.mark.parametrize("height_m", [0.9, 0.95, 1.5])
def test_it_moves_to_the_same_bits(actuation: str, height_m: float, request: pytest.FixtureRequest) -> None:
    walker: Walker = request.getfixturevalue(actuation)
    models = (walker.model, walker.simulation_model)
    rng, contacts = np.random.default_rng(1), 0
    one, other = data = [mujoco.MjData(model) for model in models]
    for each in data:
        each.qpos[2] = height_m
    for _ in range(400):
        ctrl = rng.normal(0, 0.3, walker.model.nu)
        for model, each in zip(models, data, strict=True):
            each.ctrl[:] = ctrl
            mujoco.mj_step(model, each)
        contacts += one.ncon
        np.testing.assert_array_equal(one.qpos, other.qpos)
        np.testing.assert_array_equal(one.qvel, other.qvel)
        np.testing.assert_array_equal(one.site_xpos, other.site_xpos)
    assert contacts or height_m > 1.0, "the walker touched the ground"


def test_only_what_touches_stays(walker: Walker) -> None:
    model = walker.simulation_model
    assert {model.geom(index).name for index in range(model.ngeom)} == {"floor", "sole_r", "sole_l"}


BODY = "<mujoco><worldbody><body><freejoint/>{}</body></worldbody>{}</mujoco>"
TOUCHES = '<geom name="a" size=".1" mass="1"/>'
VISUAL = '<geom name="b" size=".2" contype="0" conaffinity="0" mass="{}"/>'


@pytest.mark.parametrize(
    ("inside", "outside", "left"),
    [
        (TOUCHES + VISUAL.format(0), "", 1),
        (TOUCHES + VISUAL.format(1), "", 2),
        (TOUCHES + VISUAL.format(0), '<contact><pair geom1="a" geom2="b"/></contact>', 2),
        (TOUCHES + VISUAL.format(0), '<sensor><framepos objtype="geom" objname="b"/></sensor>', 2),
        (VISUAL.format(1), "", 1),
        (TOUCHES + VISUAL.format(0).replace("/>", ' fluidshape="ellipsoid"/>'), "", 2),
    ],
    ids=["only visual", "has mass", "in a contact pair", "is sensed", "is all there is", "swims"],
)
def test_a_geom_that_something_depends_on_stays(inside: str, outside: str, left: int) -> None:
    spec = mujoco.MjSpec.from_string(BODY.format(inside, outside))
    model = spec.compile()
    smaller = simulation_model(spec, model)
    assert smaller.ngeom == left
    assert (smaller is model) == (left == model.ngeom)
    assert len(spec.geoms) == model.ngeom, "what it was made of stays as it is"
