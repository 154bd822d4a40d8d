"""Why episodes end: every reason, its priority, and what each kind of batch heeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.geometry import rotations
from mimicrl.mdp import terminations
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED_RATE_RAD_S, DIVERGED_VELOCITY_MPS, Fall, Terminations, Tracking
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

BOTH: Any = type(MDPConfig().terminations)(tracking=Tracking(lateral_m=0.3))  # type: ignore[call-arg]


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
    "nothing": ([], "running"),
    "squat": ([put("qpos", 2, 0.5)], "fall"),
    "forward fall": ([lean(1.0)], "fall"),
    "sideways fall": ([lean(-1.0, (1, 0, 0))], "fall"),
    "lean": ([lean(0.6)], "tracking"),
    "turn": ([lean(0.6, (0, 0, 1))], "tracking"),
    "far turn": ([lean(2.5, (0, 0, 1))], "tracking"),
    "beside the line": ([put("qpos", 1, 0.5)], "tracking"),
    "flying": ([put("qvel", 2, 25.0)], "diverged"),
    "spinning": ([put("qvel", 5, 1e3)], "diverged"),
    "not a number": ([put("qpos", 9, np.nan)], "diverged"),
    "no velocity": ([put("qvel", 0, np.nan)], "diverged"),
    "infinite": ([put("qvel", 8, np.inf)], "diverged"),
    "turned and fallen": ([lean(1.0), put("qpos", 1, 0.5)], "fall"),
    "fallen and flying": ([put("qpos", 2, 0.5), put("qvel", 2, 25.0)], "diverged"),
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("last", [False, True], ids=["mid-episode", "last step"])
@pytest.mark.parametrize(("changes", "reason"), CHANGES.values(), ids=CHANGES)
def test_each_reason_is_found_and_the_first_in_the_table_names_the_end(
    walker: Walker, reference: ReferenceTrajectory, training: bool, changes: list[Any], reason: str, last: bool
) -> None:
    config = MDPConfig(terminations=BOTH, episode_seconds=0.02 if last else 1.0)
    batch = MimicBatch(walker, reference, config, 2, training=training)
    batch.reset(phase=np.array([0.1, 0.1]))
    for change in changes:
        change(batch.simulation.qpos[0], batch.simulation.qvel[0])
    step = batch.step(np.zeros((2, 8)))
    quiet = "time" if last else "running"
    expected = quiet if reason == "running" or (reason == "tracking" and not training) else reason
    assert [batch.reasons[code] for code in step.reason] == [expected, quiet]
    assert step.terminated.tolist() == [expected not in ("time", "running"), False]
    assert step.truncated.tolist() == [expected == "time", last]
    assert np.isfinite(step.observation).all()
    assert np.isfinite(step.reward).all()


def test_a_fall_is_below_a_share_of_the_references_height(rows: Rows) -> None:
    view = rows.view()
    upright = view._replace(state=view.state._replace(upright=np.ones(len(rows.phase))))
    height, mean = view.state.root_position_w[:, 2], rows.motion.mean_height_m
    for share in (0.9, 0.95, 1.0):
        np.testing.assert_array_equal(Fall(height_share=share).holds(upright), height < share * mean)


def test_a_fall_is_a_lean_from_the_vertical_whatever_the_heading(rows: Rows) -> None:
    up = rotations.rotate(rows.qpos[:, 3:7], np.array([0.0, 0.0, 1.0]))[:, 2]
    limit = float(np.median(np.arccos(up)))
    term = Fall(tilt_rad=limit, height_share=0.0)
    for heading in (0.0, 2.0):
        fallen = term.holds(rows.moved(heading, (0.0, 0.0)).view())
        np.testing.assert_array_equal(fallen, np.arccos(up) > limit)
    assert 0 < fallen.sum() < len(fallen)


@pytest.mark.parametrize(
    ("rotation", "lateral", "lost"),
    [(None, None, [False, False]), (0.4, None, [True, False]), (None, 0.3, [False, True]), (0.4, 0.3, [True, True])],
)
def test_track_is_lost_by_what_is_configured(
    on_reference: Rows, rotation: float | None, lateral: float | None, lost: list[bool]
) -> None:
    qpos = on_reference.qpos.copy()
    lean(0.5)(qpos[0], None)
    qpos[1, 1] += 0.4
    term = Tracking(rotation_rad=rotation, lateral_m=lateral)
    assert term.is_off == (not any(lost))
    found = term.holds(on_reference._replace(qpos=qpos).view())
    assert found[:2].tolist() == lost
    assert not found[2:].any()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("column", "limit"), [(0, DIVERGED_VELOCITY_MPS), (2, DIVERGED_VELOCITY_MPS), (3, DIVERGED_RATE_RAD_S)]
)
def test_divergence_begins_where_the_observation_saturates(column: int, limit: float, sign: int) -> None:
    qpos, qvel = np.zeros((2, 15)), np.zeros((2, 14))
    qvel[:, column] = sign * limit * np.array([0.999, 1.001])
    assert terminations.diverged(qpos, qvel).tolist() == [False, True]


@pytest.mark.parametrize(
    ("config", "own"), [(MDPConfig().terminations, ("fall", "tracking")), (Terminations(), ())], ids=["own", "none"]
)
def test_reasons_are_those_of_every_task_and_the_terminations(config: Terminations, own: tuple[str, ...]) -> None:
    assert terminations.reasons(config) == ("running", "time", "diverged", *own)
