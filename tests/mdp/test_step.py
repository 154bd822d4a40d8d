"""The batch: rows are independent, time does not drift, a restored state goes on bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mimicrl.config import MDPConfig
from mimicrl.errors import ConfigError
from mimicrl.mdp.error import tracking_error
from mimicrl.mdp.rewards import total
from mimicrl.mdp.step import MimicBatch, StepResult, substeps
from mimicrl.mdp.terminations import DIVERGED
from mimicrl.mdp.terms import View
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker

SEEDS = [31, 41, 59, 26]


@pytest.fixture
def make(walker: Walker, reference: ReferenceTrajectory) -> Callable[..., MimicBatch]:
    """Makes a seeded batch of four that was reset."""

    def batch(threads: int = 1, count: int = 4, **config: Any) -> MimicBatch:
        made = MimicBatch(walker, reference, MDPConfig(**config), count, threads=threads)
        made.seed(SEEDS[:count])
        made.reset()
        return made

    return batch


def walk(batch: MimicBatch, steps: int, seed: int = 0) -> list[StepResult]:
    """Random actions; rows that end are reset."""
    rng = np.random.default_rng(seed)
    transitions = []
    for _ in range(steps):
        transitions.append(batch.step(rng.uniform(-1, 1, (batch.count, 8))))
        ended = np.flatnonzero(transitions[-1].reason)
        if len(ended):
            batch.reset(ended)
    return transitions


def arrays(step: StepResult) -> dict[str, np.ndarray]:
    """All arrays of a step by name, those of its state and its reference too."""
    own = step._asdict()
    state, reference = own.pop("state"), own.pop("reference")
    return (
        own
        | {f"state.{name}": value for name, value in state._asdict().items()}
        | {f"reference.{name}": value for name, value in reference._asdict().items()}
    )


def assert_same(left: list[StepResult], right: list[StepResult]) -> None:
    for one, other in zip(left, right, strict=True):
        for name, value in arrays(one).items():
            np.testing.assert_array_equal(value, arrays(other)[name], err_msg=name)


def test_a_row_does_not_depend_on_its_neighbours(make: Callable[..., MimicBatch]) -> None:
    together, alone = make(), make(count=1)
    rng = np.random.default_rng(0)
    for _ in range(10):
        actions = rng.uniform(-1, 1, (4, 8))
        one, other = together.step(actions), alone.step(actions[:1])
        for name, value in arrays(one).items():
            np.testing.assert_array_equal(value[:1], arrays(other)[name], err_msg=name)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("new", [False, True], ids=["same batch", "new batch"])
def test_a_restored_batch_goes_on_bit_for_bit(make: Callable[..., MimicBatch], new: bool, threads: int) -> None:
    batch = make()
    ended = [step.reason.any() for step in walk(batch, 40)]
    state = batch.get_state()
    kept = {name: value.copy() for name, value in state.items()}
    expected, end = walk(batch, 60, seed=1), batch.get_state()
    assert any(ended)
    assert any(step.reason.any() for step in expected)
    for name, value in state.items():
        np.testing.assert_array_equal(value, kept[name], err_msg=name)
        assert len(value) == 4
    other = make(threads) if new else batch
    other.set_state(state)
    assert_same(walk(other, 60, seed=1), expected)
    for name, value in other.get_state().items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


def test_only_the_named_rows_step_and_the_others_keep_still(make: Callable[..., MimicBatch]) -> None:
    batch, everyone = make(), make()
    actions = np.random.default_rng(0).uniform(-1, 1, (4, 8))
    for twin in (batch, everyone):
        walk(twin, 2)
    ids, rest = np.array([0, 2]), [1, 3]

    def moving() -> list[np.ndarray]:
        simulation = batch.simulation
        return [
            np.array(part)
            for part in (simulation.qpos, simulation.qvel, simulation.site_xpos, batch.steps, batch.phase)
        ]

    before, step, expected = moving(), batch.step(actions, ids), everyone.step(actions)
    for then, now in zip(before, moving(), strict=True):
        np.testing.assert_array_equal(now[rest], then[rest])
    np.testing.assert_array_equal(batch.simulation.state[ids], everyone.simulation.state[ids])
    for name, value in arrays(step).items():
        np.testing.assert_array_equal(value[ids], arrays(expected)[name][ids], err_msg=name)


def test_only_the_named_rows_are_reset(make: Callable[..., MimicBatch]) -> None:
    batch = make()
    walk(batch, 5)
    rest = [0, 2, 3]
    before = {name: value[rest] for name, value in batch.get_state().items()}
    assert batch.reset(np.array([1])).shape == (1, 29)
    for name, value in batch.get_state().items():
        np.testing.assert_array_equal(value[rest], before[name], err_msg=name)
    assert batch.steps.tolist() == [5, 0, 5, 5]


def test_the_phase_advances_with_the_clock_and_does_not_drift(
    make: Callable[..., MimicBatch], reference: ReferenceTrajectory
) -> None:
    batch = make(count=1, control_hz=400)
    start = batch.phase.copy()
    for _ in range(1000):
        batch.step(np.zeros((1, 8)))
    assert batch.phase == pytest.approx((start + 2.5 / reference.duration_s) % 1.0, abs=1e-12)


def test_the_reward_refers_to_the_reference_ahead_of_where_the_walker_started(
    make: Callable[..., MimicBatch], reference: ReferenceTrajectory
) -> None:
    batch = make()
    starts = batch.phase * reference.duration_s
    for number in range(1, 81):
        step = batch.step(np.zeros((4, 8)))
        frame = reference.at_time(starts + number / 50)
        state = batch.body_state()
        view = View(batch.walker, reference, state, frame, tracking_error(state, frame), np.zeros((4, 8)))
        reward, terms = total(batch.config.rewards.active(), view, np.zeros(4, bool))
        np.testing.assert_allclose(step.reward, reward, rtol=0, atol=1e-6)
        np.testing.assert_allclose(step.terms, terms, rtol=0, atol=1e-6)


def test_an_engine_error_ends_its_row_as_diverged(
    make: Callable[..., MimicBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make()
    monkeypatch.setattr(batch.simulation, "step", lambda substeps, ids: [2])
    assert batch.step(np.zeros((4, 8))).reason.tolist() == [0, 0, DIVERGED, 0]


@pytest.mark.parametrize(("control_hz", "steps"), [(1, 1000), (50, 20), (100, 10), (200, 5), (1000, 1)])
def test_a_control_step_is_a_whole_number_of_physics_steps(control_hz: int, steps: int) -> None:
    assert substeps(control_hz, 0.001) == steps


@pytest.mark.parametrize(
    ("control_hz", "nearest"), [(60, 50), (150, 125), (300, 250), (999, 1000), (2000, 1000), (7, 8)]
)
def test_another_control_rate_is_refused_and_the_nearest_named(control_hz: int, nearest: int) -> None:
    with pytest.raises(ConfigError) as caught:
        substeps(control_hz, 0.001)
    assert str(caught.value) == (
        f"the control rate must divide the physics rate — mdp.control_hz — got {control_hz} Hz of 1000 Hz, "
        f"expected a divisor; the nearest is {nearest} Hz — or change mdp.physics_hz"
    )
