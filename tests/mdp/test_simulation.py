"""The simulations are MuJoCo's: the same bits as `mj_step` on one `MjData` each, whatever the number of threads."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.mdp.simulation import BatchSimulation
from mimicrl.walkers import Walker, library

COUNT = 5


def started(rows: Rows, threads: int = 1) -> BatchSimulation:
    """Five simulations in scattered states, with targets to hold."""
    simulation = BatchSimulation(rows.walker.model, COUNT, threads)
    simulation.reset(np.arange(COUNT), rows.qpos[:COUNT], rows.qvel[:COUNT])
    simulation.ctrl[:] = rows.qpos[:COUNT, rows.walker.qpos_index]
    return simulation


def one_by_one(rows: Rows) -> list[mujoco.MjData]:
    """The same simulations, each in MuJoCo's own data."""
    found = []
    for row in range(COUNT):
        data = mujoco.MjData(rows.walker.model)
        data.qpos, data.qvel = rows.qpos[row], rows.qvel[row]
        data.ctrl = rows.qpos[row, rows.walker.qpos_index]
        found.append(data)
    return found


def complete_state(model: mujoco.MjModel, data: mujoco.MjData) -> np.ndarray:
    row = np.empty(mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_INTEGRATION))
    mujoco.mj_getState(model, data, row, mujoco.mjtState.mjSTATE_INTEGRATION)
    return row


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_stepping_is_mujocos_stepping(rows: Rows, threads: int) -> None:
    simulation, singles = started(rows, threads), one_by_one(rows)
    for substeps in (1, 20, 7):
        assert simulation.step(substeps) == []
        for row, data in enumerate(singles):
            mujoco.mj_step(rows.walker.model, data, substeps)
            np.testing.assert_array_equal(simulation.state[row], complete_state(rows.walker.model, data))


def test_a_reset_is_mujocos_reset_and_writes(rows: Rows) -> None:
    model, simulation = rows.walker.model, started(rows)
    simulation.step(30)
    ids = np.array([0, 3])
    untouched = simulation.state[[1, 2, 4]].copy()
    simulation.reset(ids, rows.qpos[10:12], rows.qvel[10:12])
    np.testing.assert_array_equal(simulation.state[[1, 2, 4]], untouched)
    singles = []
    for row in (10, 11):
        data = mujoco.MjData(model)
        mujoco.mj_step(model, data, 10)
        mujoco.mj_resetData(model, data)
        data.qpos, data.qvel = rows.qpos[row], rows.qvel[row]
        singles.append(data)
    np.testing.assert_array_equal(simulation.state[ids], [complete_state(model, data) for data in singles])
    simulation.step(25)
    for data in singles:
        mujoco.mj_step(model, data, 25)
    np.testing.assert_array_equal(simulation.state[ids], [complete_state(model, data) for data in singles])


@pytest.mark.fault(14)
def test_a_simulation_that_breaks_stays_broken_and_alone(rows: Rows) -> None:
    simulation, healthy = started(rows), started(rows)
    simulation.qvel[2, 0] = np.nan
    assert simulation.step(10) == []
    healthy.step(10)
    assert not np.isfinite(simulation.qvel[2]).all()
    others = [0, 1, 3, 4]
    np.testing.assert_array_equal(simulation.state[others], healthy.state[others])


def test_engine_errors_name_their_simulations() -> None:
    # Enough memory to fly, not enough to stand.
    xml = library.bundled("walker3d").xml.replace("<worldbody>", '<size memory="16K"/><worldbody>', 1)
    walker = Walker.from_xml(xml, name="cramped")
    qpos = np.tile(walker.model.qpos0, (3, 1))
    qpos[:, 2] += [-0.01, 1.0, -0.01]
    simulation = BatchSimulation(walker.model, 3, 1)
    simulation.reset(np.arange(3), qpos, np.zeros((3, walker.model.nv)))
    assert simulation.step(5) == [0, 2]
    np.testing.assert_array_equal(simulation.qpos[[0, 2]], qpos[[0, 2]])
    assert simulation.qpos[1, 2] < qpos[1, 2]
