"""Why episodes end: every reason, its priority, and what each kind of batch heeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimicrl import rotations
from mimicrl.config import MimicConfig
from mimicrl.config.mdp import TerminationConfig
from mimicrl.mimic import terminations
from mimicrl.mimic.batch import MimicBatch
from mimicrl.mimic.deviation import compare
from mimicrl.mimic.observations import MAX_RATE_RAD_S, MAX_VELOCITY_MPS
from mimicrl.mimic.terminations import Reason
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

BOTH = TerminationConfig(tracking_lateral_m=0.3)


def lean(angle_rad: float, axis: tuple[float, float, float] = (0, 1, 0)) -> Any:
    """What makes the root lean that far."""

    def change(qpos: np.ndarray, qvel: np.ndarray) -> None:
        qpos[3:7] = rotations.multiply(rotations.from_axis_angle(axis, angle_rad), qpos[3:7])

    return change


def put(row: str, column: int, value: float) -> Any:
    """What sets a number of qpos or qvel."""

    def change(qpos: np.ndarray, qvel: np.ndarray) -> None:
        (qpos if row == "qpos" else qvel)[column] = value

    return change


CHANGES = {
    "nothing": ([], Reason.RUNNING),
    "squat": ([put("qpos", 2, 0.5)], Reason.FALL),
    "forward fall": ([lean(1.0)], Reason.FALL),
    "sideways fall": ([lean(-1.0, (1, 0, 0))], Reason.FALL),
    "lean": ([lean(0.6)], Reason.TRACKING),
    "turn": ([lean(0.6, (0, 0, 1))], Reason.TRACKING),
    "far turn": ([lean(2.5, (0, 0, 1))], Reason.TRACKING),
    "beside the line": ([put("qpos", 1, 0.5)], Reason.TRACKING),
    "flying": ([put("qvel", 2, 25.0)], Reason.DIVERGED),
    "spinning": ([put("qvel", 5, 1e3)], Reason.DIVERGED),
    "not a number": ([put("qpos", 9, np.nan)], Reason.DIVERGED),
    "no velocity": ([put("qvel", 0, np.nan)], Reason.DIVERGED),
    "infinite": ([put("qvel", 8, np.inf)], Reason.DIVERGED),
    "turned and fallen": ([lean(1.0), put("qpos", 1, 0.5)], Reason.FALL),
    "fallen and flying": ([put("qpos", 2, 0.5), put("qvel", 2, 25.0)], Reason.DIVERGED),
}


@pytest.fixture(params=[True, False], ids=["training", "evaluation"])
def tracking(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.mark.parametrize("last", [False, True], ids=["mid-episode", "last step"])
@pytest.mark.parametrize(("changes", "reason"), CHANGES.values(), ids=CHANGES)
def test_each_reason_is_found_and_the_worst_wins(
    walker: Walker, reference: ReferenceTrajectory, tracking: bool, changes: list[Any], reason: Reason, last: bool
) -> None:
    config = MimicConfig(termination=BOTH, episode_seconds=0.02 if last else 1.0)
    batch = MimicBatch(walker, reference, config, 2, tracking=tracking)
    batch.reset(phase=np.array([0.1, 0.1]))
    for change in changes:
        change(batch.simulation.qpos[0], batch.simulation.qvel[0])
    step = batch.step(np.zeros((2, 8)))
    quiet = Reason.TIME if last else Reason.RUNNING
    expected = max(quiet, reason if tracking or reason != Reason.TRACKING else Reason.RUNNING)
    assert step.reason.tolist() == [expected, quiet]
    assert step.terminated.tolist() == [expected > Reason.TIME, False]
    assert step.truncated.tolist() == [expected == Reason.TIME, last]
    assert np.isfinite(step.observation).all()
    assert np.isfinite(step.reward).all()


def test_a_fall_is_below_a_share_of_the_references_height(rows: Any) -> None:
    state = rows.measure()
    upright = state._replace(root_quat_w=np.tile(rotations.IDENTITY, (len(rows.phase), 1)))
    height = state.root_position_w[:, 2]
    for share in (0.9, 1.0, 1.1):
        low = terminations.fallen(upright, TerminationConfig(fall_height_share=share / 1.1), 1.1 * 0.9)
        np.testing.assert_array_equal(low, height < share * 0.9)


def test_a_fall_is_a_lean_from_the_vertical_whatever_the_heading(rows: Any) -> None:
    up = rotations.rotate(rows.qpos[:, 3:7], np.array([0.0, 0.0, 1.0]))[:, 2]
    limit = float(np.median(np.arccos(up)))
    config = TerminationConfig(fall_tilt_rad=limit, fall_height_share=0.0)
    for heading in (0.0, 2.0):
        fallen = terminations.fallen(rows.moved(heading, (0.0, 0.0)).measure(), config, 0.9)
        np.testing.assert_array_equal(fallen, np.arccos(up) > limit)
    assert 0 < fallen.sum() < len(fallen)


@pytest.mark.parametrize(
    ("rotation", "lateral", "lost"),
    [(None, None, [False, False]), (0.4, None, [True, False]), (None, 0.3, [False, True]), (0.4, 0.3, [True, True])],
)
def test_track_is_lost_by_what_is_configured(
    on_reference: Any, reference: ReferenceTrajectory, rotation: float | None, lateral: float | None, lost: list[bool]
) -> None:
    qpos = on_reference.qpos.copy()
    lean(0.5)(qpos[0], None)
    qpos[1, 1] += 0.4
    config = TerminationConfig(tracking_rotation_rad=rotation, tracking_lateral_m=lateral)
    state = on_reference._replace(qpos=qpos).measure()
    found = terminations.lost_track(compare(state, reference.at_phase(on_reference.phase)), config)
    assert found[:2].tolist() == lost
    assert not found[2:].any()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("column", "limit"), [(0, MAX_VELOCITY_MPS), (2, MAX_VELOCITY_MPS), (3, MAX_RATE_RAD_S)])
def test_divergence_begins_where_the_observation_saturates(column: int, limit: float, sign: int) -> None:
    qpos, qvel = np.zeros((2, 15)), np.zeros((2, 14))
    qvel[:, column] = sign * limit * np.array([0.999, 1.001])
    assert terminations.diverged(qpos, qvel).tolist() == [False, True]


def test_reasons_have_words_for_tables() -> None:
    assert [reason.label for reason in Reason] == ["running", "time", "tracking", "fall", "diverged"]
