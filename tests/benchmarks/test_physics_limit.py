from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.physics_limit import PhysicsLimit, Record, record
from mimicrl.envs.task import Task
from mimicrl.mdp.step import MimicBatch

COUNT, STEPS = 3, 80


@pytest.fixture(scope="module")
def stepped() -> tuple[MimicBatch, Record]:
    task = Task.of_gait()
    batch = task.batch(COUNT)
    batch.reset()
    actions = np.random.default_rng(1).uniform(-1.0, 1.0, (STEPS, COUNT, len(task.walker.joint_names)))
    return batch, record(batch, actions)


def states(limit: PhysicsLimit) -> np.ndarray:
    after = []
    for _ in range(STEPS):
        limit.step()
        after.append(limit.state.copy())
    return np.array(after)


@pytest.mark.parametrize("current", [False, True])
def test_the_bare_physics_goes_through_the_same_states(stepped: tuple[MimicBatch, Record], current: bool) -> None:
    batch, kept = stepped
    assert 2 < sum(len(reset.ids) for reset in kept.resets) < STEPS
    limit = PhysicsLimit(batch.walker.model, kept, threads=2, current=current)
    first, again = states(limit), states(limit)
    np.testing.assert_array_equal(first[-1], batch.simulation.state)
    np.testing.assert_array_equal(again, first)


def test_resets_and_controls_matter(stepped: tuple[MimicBatch, Record]) -> None:
    batch, kept = stepped
    nothing = [reset._replace(ids=reset.ids[:0]) for reset in kept.resets]
    for other in (replace(kept, resets=nothing), replace(kept, controls=0.0 * kept.controls)):
        limit = PhysicsLimit(batch.walker.model, other, threads=1)
        assert not np.array_equal(states(limit)[-1], batch.simulation.state)
