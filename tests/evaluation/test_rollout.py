"""Roll-outs: rows that end stay as they ended, and any number of threads gives the same result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from evaluation.acting import REASONS, STILL, Acts, roll, starts
from threadpoolctl import threadpool_info, threadpool_limits

from mimicrl import artifacts
from mimicrl.envs.task import Task
from mimicrl.evaluation.gait_cycle import GaitCycle
from mimicrl.evaluation.metrics import judge, summarize
from mimicrl.evaluation.rollout import Episodes
from mimicrl.mdp.state import BodyState
from mimicrl.mdp.step import MimicBatch
from mimicrl.mdp.terminations import DIVERGED, TIME
from mimicrl.protocols import Standard

FALL, TRACKING = REASONS.index("fall"), REASONS.index("tracking")


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of_gait(config=STILL)


def arrays(episodes: Episodes) -> dict[str, np.ndarray]:
    """All that is known of each episode."""
    return {name: value for name, value in vars(episodes).items() if isinstance(value, np.ndarray)} | episodes.means


class _Watch(MimicBatch):
    """Writes down every configuration and which rows were stepped."""

    rows: list[np.ndarray]
    configurations: list[np.ndarray]

    def step(self, actions: np.ndarray, ids: np.ndarray | None = None) -> Any:
        step = super().step(actions, ids)
        self.rows.append(np.arange(self.count) if ids is None else ids)
        self.configurations.append(self.simulation.qpos.copy())
        return step


def test_rows_that_ended_are_stepped_no_more(task: Task) -> None:
    config = task.config.model_copy(update={"episode_seconds": 1.5})
    batch = _Watch(task.walker, task.reference, config, 6, training=False)
    batch.rows, batch.configurations = [], []
    episodes = roll(batch)
    np.testing.assert_array_equal(episodes.start_phase, starts(6))
    steps = np.rint(episodes.duration_s / batch.control_dt).astype(int)
    assert len(set(steps)) > 1, "the episodes must end at different times for this to show anything"
    for row, last in enumerate(steps):
        assert [row in rows for rows in batch.rows] == [True] * last + [False] * (max(steps) - last)
        for configuration in batch.configurations[last:]:
            np.testing.assert_array_equal(configuration[row], batch.configurations[last - 1][row])
        assert episodes.distance_m[row] == batch.configurations[last - 1][row, 0]
    assert (episodes.reason == FALL).any()


def test_an_episode_is_the_same_whatever_happens_in_the_others(task: Task) -> None:
    # The acts do not depend on observations, so only the batch itself could mix rows up.
    together = roll(task)
    for row in (0, 3):
        for field, values in arrays(roll(task, phases=starts(6)[row : row + 1])).items():
            np.testing.assert_array_equal(values[0], arrays(together)[field][row], err_msg=field)


def test_threads_change_nothing(task: Task) -> None:
    one, two = roll(task), roll(task, threads=2)
    for field, values in arrays(one).items():
        np.testing.assert_array_equal(values, arrays(two)[field], err_msg=field)


def test_only_a_fall_or_the_time_ends_an_evaluation(task: Task) -> None:
    # In training, such a policy loses track of the reference long before it falls.
    training = task.batch(6)
    training.reset(phase=starts(6))
    ends = [training.step(np.zeros((6, len(task.walker.joint_names)))).reason for _ in range(75)]
    assert TRACKING in np.concatenate(ends)
    assert set(roll(task).reason.tolist()) <= {TIME, FALL}


def test_an_episode_lasts_as_long_as_asked() -> None:
    episodes = roll(Task.of_gait(), seconds=0.2)
    np.testing.assert_allclose(episodes.duration_s, 0.2)
    assert (episodes.reason == TIME).all()
    reward, terms = episodes.means["reward"], episodes.means["reward_terms"]
    assert (reward > 0.4).all()
    assert (episodes.distance_m > 0.15).all()
    np.testing.assert_allclose(terms.sum(axis=1), reward, rtol=1e-5)


def test_a_simulation_that_diverges_gives_finite_figures(task: Task) -> None:
    episodes = roll(task, Acts(spoilt={0: [1]}), phases=starts(3), seconds=0.2)
    assert episodes.reason.tolist() == [TIME, DIVERGED, TIME]
    for field, values in arrays(episodes).items():
        assert np.isfinite(values).all(), field


@pytest.mark.parametrize("broken", [np.inf, -np.inf, np.nan, 1e6])
def test_rows_that_blow_up_keep_their_last_sane_place_and_spoil_no_figure(task: Task, broken: float) -> None:
    # Rows 0 and 2 of three: sums over rows must not overflow either.
    batch, rows, fifth = task.evaluation_batch(3, 0.2), [0, 2], 5
    advance, places = batch.simulation.step, []

    def blow_up(substeps: int, ids: np.ndarray | None = None) -> list[int]:
        failed = advance(substeps, ids)
        if len(places) == fifth - 1:
            batch.simulation.qpos[rows] = broken
            batch.simulation.qvel[rows] = broken
        places.append(batch.simulation.qpos[:, :2].copy())
        return failed

    batch.simulation.step = blow_up  # type: ignore[method-assign]
    cycle = GaitCycle(8)
    episodes = roll(batch, phases=starts(3), watch=cycle.watch)
    assert episodes.reason.tolist() == [DIVERGED, TIME, DIVERGED]
    np.testing.assert_allclose(episodes.duration_s, [0.1, 0.2, 0.1])
    for row, last in ((0, fifth - 2), (1, len(places) - 1), (2, fifth - 2)):
        assert episodes.distance_m[row] == places[last][row, 0]
        assert episodes.lateral_drift_m[row] == places[last][row, 1]
    summary = summarize(judge(episodes, Standard())).as_dict()
    assert artifacts.json_bytes(summary)
    assert summary["joint_error_deg"] < 90
    assert 0 < summary["upright"] <= 1
    assert summary["speed_error"] < 1
    assert (episodes.means["joint_error_deg"] < 1).all()  # of the joints, in radians
    assert (np.abs(episodes.means["upright"]) <= 1).all()
    np.testing.assert_array_less(np.nan_to_num(cycle.table(task.walker, task.reference)["mean_rad"].abs()), 3)
    assert cycle._count.sum() == 10 + 2 * (fifth - 1)


def test_who_watches_sees_the_running_rows_after_each_step(task: Task) -> None:
    seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def watch(batch: MimicBatch, rows: np.ndarray, state: BodyState) -> None:
        seen.append((rows.copy(), batch.steps.copy(), state.root_position_w[:, 0].copy()))

    episodes = roll(task, watch=watch)
    lengths = np.rint(episodes.duration_s * task.config.control_hz).astype(int)
    assert len(set(lengths)) > 1, "the episodes must end at different times for this to show anything"
    for step, (rows, steps, _) in enumerate(seen):
        assert rows.tolist() == np.flatnonzero(lengths > step).tolist()
        assert (steps[rows] == step + 1).all()
    for row, length in enumerate(lengths):
        assert seen[length - 1][2][row] == episodes.distance_m[row], "the last step it sees is where the episode ended"


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_matrix_products_have_one_thread_whatever_the_process_has(task: Task) -> None:
    during: list[set[int]] = []
    with threadpool_limits(limits=2, user_api="blas"):
        assert blas_threads() == {2}, "this test can fail"
        roll(task, phases=starts(2), seconds=0.1, watch=lambda *_: during.append(blas_threads()))
        assert blas_threads() == {2}, "they have what they had before"
    assert all(threads == {1} for threads in during)
