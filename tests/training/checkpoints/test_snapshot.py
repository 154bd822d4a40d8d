"""The state of a learner: all of it comes back, bit by bit, and what does not fit a learner is named."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mimicrl import artifacts
from mimicrl.envs.task import Task
from mimicrl.errors import ArtifactError
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training import vec_envs
from mimicrl.training.checkpoints import snapshot
from mimicrl.training.checkpoints.record import TrainingRecord
from mimicrl.training.checkpoints.store import Checkpoint


def take(model: MimicPPO) -> tuple[Checkpoint, TrainingRecord]:
    """A checkpoint of a learner as it is, as its files would give it back."""
    record = TrainingRecord(**snapshot.counters(model))
    arrays = {name: np.array(array) for name, array in snapshot.arrays(model).items()}
    again = TrainingRecord.model_validate_json(artifacts.json_bytes(record.model_dump(mode="json")))
    return Checkpoint(Path("step"), model.num_timesteps, arrays, {}), again


def restore(taken: tuple[Checkpoint, TrainingRecord], model: MimicPPO) -> None:
    """Restore a copy, so that another one may be restored from the same."""
    checkpoint, record = taken
    copied = {name: array.copy() for name, array in checkpoint.arrays.items()}
    snapshot.restore(replace(checkpoint, arrays=copied), record, model)


def bits(taken: tuple[Checkpoint, TrainingRecord]) -> dict[str, tuple[Any, bytes]]:
    return {name: (array.dtype, array.tobytes()) for name, array in taken[0].arrays.items()}


def draw() -> list[float]:
    """One number of each global generator."""
    return [random.random(), np.random.random(), float(torch.rand(()))]  # noqa: NPY002


def test_everything_comes_back_bitwise_and_goes_on_alike(learners: list[MimicPPO]) -> None:
    one, other = learners
    before = take(one)
    drawn = draw()
    restore(before, other)
    assert draw() == drawn
    restore(before, other)
    assert bits(take(other)) == bits(before)
    assert take(other)[1] == before[1]
    after = []
    for model in learners:
        restore(before, model)
        model.learn(256, reset_num_timesteps=False)
        after.append(bits(take(model)))
    restore(before, one)
    assert after[0] == after[1]
    changed = {name for name, content in after[0].items() if content != bits(before)[name]}
    assert {"policy.log_std", "optimizer.second_moment", "normalizer.returns", "environments.generators"} <= changed


@pytest.mark.parametrize("spare", [False, True], ids=["none in store", "one in store"])
def test_normal_numbers_that_were_drawn_in_pairs_go_on_where_they_were(learners: list[MimicPPO], spare: bool) -> None:
    def draw_normal() -> tuple[float, float]:
        return random.gauss(0, 1), float(np.random.standard_normal())  # noqa: NPY002

    # Both generators make normal numbers two at a time and keep the second for the next call.
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    for _ in range(1 + (not spare)):
        draw_normal()
    assert np.random.get_state(legacy=False)["has_gauss"] == spare  # noqa: NPY002
    taken = take(learners[0])
    drawn = [draw_normal() for _ in range(3)]
    draw_normal()
    restore(taken, learners[1])
    assert [draw_normal() for _ in range(3)] == drawn


def refused(checkpoint: Checkpoint, arrays: dict[str, np.ndarray], model: MimicPPO) -> str:
    with pytest.raises(ArtifactError) as caught:
        snapshot.check(replace(checkpoint, arrays=arrays), model)
    assert caught.value.fix == "start from zero with --resume never"
    return str(caught.value)


@pytest.mark.fault(10)
def test_an_array_that_is_missing_or_of_another_shape_or_type_is_named(learners: list[MimicPPO]) -> None:
    (checkpoint, _), other = take(learners[0]), learners[1]
    arrays = checkpoint.arrays
    what = "a checkpoint does not fit this training — step — got"
    for name, array in arrays.items():
        shape = f"expected {array.dtype} {array.shape}"
        without = {key: value for key, value in arrays.items() if key != name}
        wider, cast = np.stack([array, array]), np.zeros(array.shape, np.float16)
        assert refused(checkpoint, without, other).startswith(f"{what} {name} nothing, {shape}")
        told = refused(checkpoint, arrays | {name: wider}, other)
        assert told.startswith(f"{what} {name} {array.dtype} {wider.shape}, {shape}")
        told = refused(checkpoint, arrays | {name: cast}, other)
        assert told.startswith(f"{what} {name} float16 {array.shape}, {shape}")
    told = refused(checkpoint, arrays | {"zero": np.zeros(1)}, other)
    assert told.startswith(f"{what} zero float64 (1,), expected nothing")


@pytest.mark.fault(10)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_and_statistics_that_are_not_finite_are_named(learners: list[MimicPPO], bad: float) -> None:
    checkpoint, _ = take(learners[0])
    for name in (name for name in checkpoint.arrays if name.startswith(("policy.", "normalizer."))):
        poisoned = checkpoint.arrays[name].copy()
        poisoned[(0,) * poisoned.ndim] = bad
        told = refused(checkpoint, checkpoint.arrays | {name: poisoned}, learners[1])
        assert told.startswith(f"a number of a checkpoint is not finite — step — got {name} — ")


@pytest.fixture
def fresh(prepare: Callable[..., Any], tmp_path: Path) -> Any:
    """Makes a learner that has learned nothing."""

    def make(**training: Any) -> MimicPPO:
        run = prepare(tmp_path / "run", training=training)
        return MimicPPO(run.config.training, vec_envs.make(run, Task.of_run(run), 1), 3)

    return make


@pytest.mark.parametrize("kind", ["batched", "dummy"])
def test_a_state_fits_a_fresh_learner_of_either_kind(fresh: Any, learners: list[MimicPPO], kind: str) -> None:
    model = fresh(vec_env=kind)
    snapshot.check(take(learners[0])[0], model)
    model.normalizer.close()


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "training", [{"net_arch": {"pi": [16, 8]}}, {"net_arch": {"vf": [4]}}, {"n_envs": 2}, {"update": "sb3"}], ids=str
)
def test_a_state_of_another_training_does_not_fit(
    fresh: Any, learners: list[MimicPPO], training: dict[str, Any]
) -> None:
    checkpoint, _ = take(learners[0])
    told = refused(checkpoint, checkpoint.arrays, fresh(**training))
    assert told.startswith("a checkpoint does not fit this training — ")


def test_looking_for_problems_draws_no_random_number(learners: list[MimicPPO]) -> None:
    checkpoint, _ = take(learners[0])
    before = snapshot.counters(learners[0]), torch.get_rng_state()
    snapshot.check(checkpoint, learners[1])
    assert snapshot.counters(learners[0]) == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
