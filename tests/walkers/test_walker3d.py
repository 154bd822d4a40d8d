"""The bundled walker3d has the lengths, masses and inertias that its file cites."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from mimicrl.walkers import Walker

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
# de Leva 1996: length, centre of mass, and radii of gyration about x, y, z as shares of the segment's length.
SEGMENTS = {
    "thigh": (THIGH, (0, 0, -0.4095 * THIGH), (0.329, 0.329, 0.149)),
    "shank": (SHANK, (0, 0, -0.4459 * SHANK), (0.255, 0.249, 0.103)),
    # The foot's long axis lies along x; its centre of mass is measured from the heel, and its height is not given.
    "foot": (FOOT, (0.4415 * FOOT - HEEL, 0, np.nan), (0.124, 0.245, 0.257)),
}
SIDES = ("r", "l")


@pytest.fixture(scope="module")
def spec(walker: Walker) -> mujoco.MjSpec:
    return mujoco.MjSpec.from_string(walker.xml)


def test_segment_masses_are_de_levas(spec: mujoco.MjSpec) -> None:
    for body in spec.bodies[1:]:
        share = MASS_PERCENT[body.name.removesuffix("_r").removesuffix("_l")] / 100
        assert body.mass == pytest.approx(share * MASS_KG, abs=0.0006), body.name
    assert sum(body.mass for body in spec.bodies) == pytest.approx(MASS_KG, abs=0.005)


@pytest.mark.parametrize("segment", SEGMENTS)
@pytest.mark.parametrize("side", SIDES)
def test_leg_segments_have_de_levas_centres_of_mass_and_inertias(spec: mujoco.MjSpec, segment: str, side: str) -> None:
    length, centre, gyration = SEGMENTS[segment]
    body = spec.body(f"{segment}_{side}")
    np.testing.assert_allclose(np.where(np.isnan(centre), np.nan, body.ipos), centre, rtol=0, atol=6e-5)
    np.testing.assert_allclose(body.inertia, body.mass * (np.array(gyration) * length) ** 2, rtol=2e-3)


@pytest.mark.parametrize("side", SIDES)
def test_leg_lengths_are_winters(spec: mujoco.MjSpec, side: str) -> None:
    outward = HIP_HALF_WIDTH if side == "l" else -HIP_HALF_WIDTH
    places = {
        spec.body(f"thigh_{side}"): [0, outward, 0],
        spec.body(f"shank_{side}"): [0, 0, -THIGH],
        spec.body(f"foot_{side}"): [0, 0, -SHANK],
        spec.site(f"heel_{side}"): [-HEEL, 0, -ANKLE],
        spec.site(f"ball_{side}"): [BALL, 0, -ANKLE],
    }
    for part, place in places.items():
        np.testing.assert_allclose(part.pos, place, atol=6e-5)


def test_standing_straight_the_soles_lie_on_the_floor(walker: Walker) -> None:
    sites, heights = walker.foot_kinematics(walker.model.qpos0[None])
    np.testing.assert_allclose(sites[0, :, 2], 0, atol=1e-9)
    np.testing.assert_allclose(heights[0].min(), 0, atol=1e-9)


def test_the_sole_spans_heel_to_ball(walker: Walker) -> None:
    points = walker.contact_points
    for side, (heel, ball) in zip(SIDES, walker.model.site_pos[walker.foot_site_ids].reshape(2, 2, 3), strict=True):
        own = points.position_b[points.body == walker.model.body(f"foot_{side}").id]
        assert own.shape == (8, 3)
        np.testing.assert_allclose(own.min(axis=0)[[0, 2]], heel[[0, 2]], atol=6e-5)
        np.testing.assert_allclose(own.max(axis=0)[0], ball[0], atol=6e-5)


def test_only_the_soles_can_touch_and_only_the_floor(walker: Walker) -> None:
    model = walker.model
    touches = (model.geom_contype[:, None] & model.geom_conaffinity) != 0
    able = {frozenset(pair) for pair in np.argwhere(touches | touches.T).tolist()}
    assert able == {frozenset((model.geom("floor").id, model.geom(f"sole_{side}").id)) for side in SIDES}


def test_physics_runs_at_400_hz_with_the_implicit_integrator(walker: Walker) -> None:
    assert walker.model.opt.timestep == 0.0025
    assert walker.model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
