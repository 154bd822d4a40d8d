"""Roll-outs: rows that end stay as they ended, and any number of threads gives the same result."""

from __future__ import annotations

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

FALL = REASONS.index("fall")


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of_gait(config=STILL)


def arrays(episodes: Episodes) -> dict[str, np.ndarray]:
    """All that is known of each episode."""
    return {name: value for name, value in vars(episodes).items() if isinstance(value, np.ndarray)} | episodes.means


def test_rows_that_ended_are_seen_and_stepped_no_more(task: Task) -> None:
    seen: list[tuple[list[int], np.ndarray, np.ndarray]] = []

    def watch(batch: MimicBatch, rows: np.ndarray, state: BodyState) -> None:
        seen.append((rows.tolist(), batch.steps.copy(), batch.simulation.qpos.copy()))

    episodes = roll(task, watch=watch)
    lengths = np.rint(episodes.duration_s * task.config.control_hz).astype(int)
    assert len(set(lengths)) > 1, "the episodes must end at different times for this to show anything"
    assert (episodes.reason == FALL).any()
    np.testing.assert_array_equal(episodes.start_phase, starts(6))
    for step, (rows, steps, qpos) in enumerate(seen, 1):
        assert rows == np.flatnonzero(lengths >= step).tolist()
        np.testing.assert_array_equal(steps, np.minimum(lengths, step))
        for row in np.flatnonzero(lengths <= step):
            np.testing.assert_array_equal(qpos[row], seen[lengths[row] - 1][2][row])
    np.testing.assert_array_equal(episodes.distance_m, seen[-1][2][:, 0])


def test_an_episode_is_the_same_whatever_happens_in_the_others(task: Task) -> None:
    # The acts do not depend on observations, so only the batch itself could mix rows up.
    together = roll(task, threads=2)
    for row in (0, 3):
        for field, values in arrays(roll(task, phases=starts(6)[row : row + 1])).items():
            np.testing.assert_array_equal(values[0], arrays(together)[field][row], err_msg=field)


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


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_matrix_products_have_one_thread_whatever_the_process_has(task: Task) -> None:
    during: list[set[int]] = []
    with threadpool_limits(limits=2, user_api="blas"):
        assert blas_threads() == {2}, "this test can fail"
        roll(task, phases=starts(2), seconds=0.1, watch=lambda *_: during.append(blas_threads()))
        assert blas_threads() == {2}, "they have what they had before"
    assert all(threads == {1} for threads in during)
