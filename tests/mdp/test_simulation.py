"""A simulation that breaks breaks alone; that all others are MuJoCo's to the bit is in `test_three_views`."""

from __future__ import annotations

import numpy as np
import pytest
from mdp.rows import Rows

from mimicrl.mdp.simulation import BatchSimulation
from mimicrl.walkers import Walker, library

COUNT = 5


def started(rows: Rows) -> BatchSimulation:
    """Five simulations in scattered states, with targets to hold."""
    simulation = BatchSimulation(rows.walker.model, COUNT, 1)
    simulation.reset(np.arange(COUNT), rows.qpos[:COUNT], rows.qvel[:COUNT])
    simulation.ctrl[:] = rows.qpos[:COUNT, rows.walker.qpos_index]
    return simulation


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
