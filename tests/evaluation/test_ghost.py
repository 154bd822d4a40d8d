"""The ghost walks beside the walker, at its speed and in the reference's posture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimicrl.evaluation.ghost import ASIDE_M, ghost_qpos
from mimicrl.evaluation.trajectory import Trajectory
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


@given(
    speed=st.floats(-1, 3),
    surge=st.floats(-0.3, 0.3),
    start=st.floats(0, 1),
    rows=st.integers(2, 200),
    seed=st.integers(0, 9),
)
def test_the_ghost_walks_beside_the_walker_at_its_speed_in_its_phase(
    walker: Walker, reference: ReferenceTrajectory, speed: float, surge: float, start: float, rows: int, seed: int
) -> None:
    time = np.arange(rows) / 50
    phase = (start + time / reference.duration_s) % 1
    qpos = np.repeat(walker.model.qpos0[None], rows, axis=0)
    qpos[:, 0] = speed * time + surge * np.sin(9 * time)
    qpos[:, 1] = np.random.default_rng(seed).normal(0, 0.2, rows)
    ghost = ghost_qpos(walker, reference, Trajectory(qpos, phase))
    frame = reference.at_phase(phase)
    np.testing.assert_array_equal(ghost[:, walker.qpos_index], frame.joint_angles_rad)
    np.testing.assert_array_equal(ghost[:, 2:7], np.column_stack([frame.root_position_w[:, 2], frame.root_quat_w]))
    # Neither ahead nor behind, and in the long run neither gains nor falls back (normal equations of a line).
    lead = qpos[:, 0] - ghost[:, 0]
    assert lead.mean() == pytest.approx(0, abs=1e-9)
    assert lead @ (time - time.mean()) == pytest.approx(0, abs=1e-7)
    assert (ghost[:, 1] - frame.root_position_w[:, 1]).mean() - qpos[:, 1].mean() == pytest.approx(ASIDE_M)


def test_where_the_walker_does_as_the_reference_the_ghost_is_its_shadow(
    walker: Walker, reference: ReferenceTrajectory
) -> None:
    time = np.arange(220) / 50
    frame = reference.at_time(time)
    qpos = walker.assemble_qpos(frame.root_position_w, frame.root_quat_w, frame.joint_angles_rad)
    ghost = ghost_qpos(walker, reference, Trajectory(qpos, time / reference.duration_s % 1))
    np.testing.assert_allclose(np.delete(ghost, 1, axis=1), np.delete(qpos, 1, axis=1), atol=1e-9)
