"""The heading frame: it does not depend on where and in which direction one walks."""

from __future__ import annotations

import numpy as np

from mimicrl.geometry import rotations
from mimicrl.geometry.heading import feet_in_heading_frame


def test_feet_in_the_heading_frame_do_not_depend_on_where_one_walks_to() -> None:
    rng = np.random.default_rng(1)
    sites, root = rng.normal(size=(20, 4, 3)), rng.normal(size=(20, 3))
    quat = rotations.from_rotation_vector(rng.normal(0, 0.5, (20, 3)))
    turn, shift = rotations.from_yaw(rng.uniform(-3, 3, 20)), rng.normal(size=(20, 3))
    elsewhere = feet_in_heading_frame(
        rotations.rotate(turn[:, None], sites) + shift[:, None],
        rotations.rotate(turn, root) + shift,
        rotations.yaw(rotations.multiply(turn, quat)),
    )
    here = feet_in_heading_frame(sites, root, rotations.yaw(quat))
    np.testing.assert_allclose(elsewhere, here, rtol=0, atol=1e-13)


def test_feet_in_the_heading_frame_of_who_walks_along_x_are_offsets() -> None:
    sites, root = np.random.default_rng(2).normal(size=(5, 4, 3)), np.ones((5, 3))
    feet = feet_in_heading_frame(sites, root, np.zeros(5))
    np.testing.assert_array_equal(feet, (sites - 1).reshape(5, 12))
