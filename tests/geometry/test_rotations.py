"""Quaternions: the laws of the rotation group, and agreement with SciPy's rotations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from mimicrl.geometry import rotations as rot

COUNT = 500
TIGHT = {"rtol": 0, "atol": 1e-14}

vectors = hnp.arrays(float, 3, elements=st.floats(-3.0, 3.0))
quaternions = vectors.map(rot.from_rotation_vector)


def random(seed: int, count: int = COUNT) -> np.ndarray:
    return rot.normalize(np.random.default_rng(seed).normal(size=(count, 4)))


def scipy(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(q, scalar_first=True)


def same_rotation(p: np.ndarray, q: np.ndarray) -> bool:
    """Whether quaternions are equal up to their sign."""
    return np.allclose(np.abs(np.einsum("...i,...i->...", p, q)), 1, rtol=0, atol=1e-12)


@given(p=quaternions, q=quaternions, r=quaternions)
def test_quaternions_form_a_group(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> None:
    np.testing.assert_allclose(np.linalg.norm(rot.multiply(p, q)), 1, **TIGHT)
    np.testing.assert_allclose(rot.multiply(rot.multiply(p, q), r), rot.multiply(p, rot.multiply(q, r)), **TIGHT)
    np.testing.assert_array_equal(rot.multiply(rot.IDENTITY, q), q)
    np.testing.assert_array_equal(rot.multiply(q, rot.IDENTITY), q)
    np.testing.assert_allclose(rot.multiply(q, rot.conjugate(q)), rot.IDENTITY, **TIGHT)


@given(p=quaternions, q=quaternions, v=vectors)
def test_rotating_is_a_homomorphism_that_keeps_lengths(p: np.ndarray, q: np.ndarray, v: np.ndarray) -> None:
    np.testing.assert_allclose(rot.rotate(rot.multiply(p, q), v), rot.rotate(p, rot.rotate(q, v)), rtol=0, atol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(rot.rotate(q, v)), np.linalg.norm(v), rtol=0, atol=1e-13)
    np.testing.assert_allclose(rot.rotate(rot.conjugate(q), rot.rotate(q, v)), v, rtol=0, atol=1e-13)


@settings(max_examples=300)
@given(v=st.one_of(vectors, vectors.map(lambda v: v * 1e-9), vectors.map(lambda v: v * 1e-200)))
def test_rotation_vectors_up_to_half_a_turn_survive_the_round_trip(v: np.ndarray) -> None:
    v = v * min(1.0, 3.14 / max(np.linalg.norm(v), 1e-300))
    np.testing.assert_allclose(rot.to_rotation_vector(rot.from_rotation_vector(v)), v, rtol=1e-12, atol=1e-14)


def test_both_signs_of_a_quaternion_have_the_same_shortest_rotation_vector() -> None:
    q = random(0)
    np.testing.assert_array_equal(rot.to_rotation_vector(q), rot.to_rotation_vector(-q))
    assert np.linalg.norm(rot.to_rotation_vector(q), axis=1).max() <= np.pi


def test_products_rotations_and_vectors_agree_with_scipy() -> None:
    p, q, v = random(1), random(2), np.random.default_rng(3).normal(size=(COUNT, 3))
    assert same_rotation(rot.multiply(p, q), (scipy(p) * scipy(q)).as_quat(scalar_first=True))
    np.testing.assert_allclose(rot.rotate(q, v), scipy(q).apply(v), rtol=0, atol=1e-13)
    np.testing.assert_allclose(rot.to_rotation_vector(q), scipy(q).as_rotvec(), rtol=0, atol=1e-12)
    assert same_rotation(rot.from_rotation_vector(v), Rotation.from_rotvec(v).as_quat(scalar_first=True))


def test_functions_broadcast_over_leading_axes_and_leave_their_arguments_alone() -> None:
    q, v = random(4, 6).reshape(2, 3, 4), np.random.default_rng(5).normal(size=3)
    before = q.copy()
    assert rot.multiply(q, q[0]).shape == (2, 3, 4)
    np.testing.assert_array_equal(rot.rotate(q, v)[1, 2], rot.rotate(q[1, 2], v))
    rot.make_continuous(q[0])
    np.testing.assert_array_equal(q, before)


def test_heading_and_leans_are_the_euler_angles_zyx() -> None:
    q = random(6)
    euler = np.stack(rot.lean_and_heading(q)[:3], axis=1)
    np.testing.assert_allclose(euler, scipy(q).as_euler("ZYX"), rtol=0, atol=1e-9)


def test_each_euler_angle_turns_about_its_own_axis() -> None:
    angle = np.linspace(-1.5, 1.5, 21)
    for place, axis in enumerate(((0, 0, 1), (0, 1, 0), (1, 0, 0))):
        euler = np.stack(rot.lean_and_heading(rot.from_axis_angle(axis, angle))[:3], axis=1)
        np.testing.assert_allclose(euler, angle[:, None] * np.eye(3)[place], rtol=0, atol=1e-12)


def test_pitch_straight_down_is_a_number() -> None:
    # Rounding may carry the sine beyond 1.
    q = rot.from_axis_angle((0, 1, 0), np.pi / 2) * (1 + 1e-15)
    np.testing.assert_allclose(rot.lean_and_heading(q[None])[1], np.pi / 2, rtol=0, atol=1e-7)


def test_turning_the_world_adds_to_the_heading_and_keeps_pitch_and_roll() -> None:
    q = random(7)
    turned = rot.multiply(rot.from_yaw(0.7), q)
    (yaw, *others), (heading, *same) = rot.lean_and_heading(q), rot.lean_and_heading(turned)
    np.testing.assert_allclose(np.exp(1j * heading), np.exp(1j * (yaw + 0.7)), rtol=0, atol=1e-11)
    np.testing.assert_allclose(same, others, rtol=0, atol=1e-11)


def test_the_twist_is_what_remains_when_the_swing_is_taken_away() -> None:
    axis = np.array([0.6, 0.0, 0.8])
    angle = np.random.default_rng(8).uniform(-3.1, 3.1, COUNT)
    across = rot.rotate(rot.from_axis_angle(axis, angle * 7), np.array([0.8, 0.0, -0.6]))
    swing = rot.from_rotation_vector(across * np.random.default_rng(9).uniform(0, 3, (COUNT, 1)))
    q = rot.multiply(swing, rot.from_axis_angle(axis, angle))
    np.testing.assert_allclose(rot.twist_angle(q, axis), angle, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rot.twist_angle(-q, axis), angle, rtol=0, atol=1e-12)


def test_a_continuous_series_shows_the_same_rotations_without_jumps() -> None:
    path = rot.from_rotation_vector(np.linspace(0, 6, 200)[:, None] * np.array([0.6, 0.0, 0.8]))
    signs = np.random.default_rng(10).choice([-1.0, 1.0], 200)
    signs[0] = 1.0
    np.testing.assert_array_equal(rot.make_continuous(path * signs[:, None]), path)


def test_mirroring_a_quaternion_mirrors_its_rotation_matrix() -> None:
    q, mirror = random(17), np.diag(rot.MIRROR_POLAR)
    np.testing.assert_allclose(
        scipy(q * rot.MIRROR_QUAT).as_matrix(), mirror @ scipy(q).as_matrix() @ mirror, rtol=0, atol=1e-13
    )


def test_mirroring_a_cross_product_shows_that_it_is_axial() -> None:
    u, v = np.random.default_rng(18).normal(size=(2, COUNT, 3))
    np.testing.assert_allclose(
        np.cross(u * rot.MIRROR_POLAR, v * rot.MIRROR_POLAR), np.cross(u, v) * rot.MIRROR_AXIAL, **TIGHT
    )


def test_all_at_once_gives_the_heading_to_the_last_bit_and_how_upright_it_is() -> None:
    q = random(5)
    heading, _, _, upright = rot.lean_and_heading(q)
    np.testing.assert_array_equal(heading, rot.yaw(q))
    np.testing.assert_allclose(upright, scipy(q).as_matrix()[:, 2, 2], **TIGHT)
