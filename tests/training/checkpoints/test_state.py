"""The state of a training: all of it comes back, bit by bit, and what does not fit a learner is named."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mimicrl import artifacts
from mimicrl.envs.task import Task
from mimicrl.learning.ppo import MimicPPO
from mimicrl.training import vec_envs
from mimicrl.training.checkpoints import state


def draw() -> list[float]:
    """One number of each global generator."""
    return [random.random(), np.random.random(), float(torch.rand(()))]  # noqa: NPY002


def draw_normal() -> tuple[float, float]:
    return random.gauss(0, 1), float(np.random.standard_normal())  # noqa: NPY002


def copied(model: MimicPPO) -> tuple[state.Tensors, dict[str, Any]]:
    """The state of a learner, as its files would hold it."""
    arrays = {name: np.array(array) for name, array in state.tensors(model).items()}
    return arrays, artifacts.parse_json(artifacts.json_bytes(state.numbers(model)), Path("state.json"))


def fresh(prepare: Any, path: Path, **training: Any) -> MimicPPO:
    run = prepare(path, training=training)
    return MimicPPO(run.config.training, vec_envs.make(run, Task.of_run(run), 1), 3)


def test_everything_comes_back_bitwise(learners: list[MimicPPO]) -> None:
    one, other = learners
    arrays, numbers = copied(one)
    drawn = draw()
    state.restore(other, *copied_again(arrays, numbers))
    assert draw() == drawn
    state.restore(other, *copied_again(arrays, numbers))
    arrays_again, numbers_again = copied(other)
    assert numbers_again == numbers
    assert arrays_again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert array.dtype == arrays_again[name].dtype and array.tobytes() == arrays_again[name].tobytes(), name


def copied_again(arrays: state.Tensors, numbers: dict[str, Any]) -> tuple[state.Tensors, dict[str, Any]]:
    return {name: array.copy() for name, array in arrays.items()}, dict(numbers)


def test_two_learners_continue_alike(learners: list[MimicPPO]) -> None:
    one, other = learners
    state.restore(other, *copied(one))
    before = copied(one)
    updates = []
    for model in learners:
        state.restore(model, *copied_again(*before))
        model.learn(256, reset_num_timesteps=False)
        updates.append(copied(model))
    state.restore(one, *copied_again(*before))
    assert updates[0][0].keys() == updates[1][0].keys()
    for name, array in updates[0][0].items():
        assert array.tobytes() == updates[1][0][name].tobytes(), name
    changed = [name for name, array in updates[0][0].items() if array.tobytes() != before[0][name].tobytes()]
    assert {"policy.log_std", "optimizer.second_moment", "normalizer.returns", "environments.generators"} <= set(
        changed
    )


@pytest.mark.parametrize("spare", [False, True], ids=["none in store", "one in store"])
def test_normal_numbers_that_were_drawn_in_pairs_go_on_where_they_were(learners: list[MimicPPO], spare: bool) -> None:
    # Both generators make normal numbers two at a time and keep the second for the next call.
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    for _ in range(1 + (not spare)):
        draw_normal()
    assert np.random.get_state(legacy=False)["has_gauss"] == spare  # noqa: NPY002
    saved = copied(learners[0])
    drawn = [draw_normal() for _ in range(3)]
    draw_normal()
    state.restore(learners[1], *saved)
    assert [draw_normal() for _ in range(3)] == drawn


@pytest.mark.parametrize("kind", ["batched", "dummy"])
def test_a_state_fits_a_fresh_learner_of_either_kind(
    prepare, learners: list[MimicPPO], tmp_path: Path, kind: str
) -> None:
    model = fresh(prepare, tmp_path / "run", vec_env=kind)
    assert state.problem(model, *copied(learners[0])) is None
    model.env.close()  # type: ignore[union-attr]


@pytest.mark.fault(10)
def test_an_array_that_is_missing_or_of_another_shape_or_type_is_named(learners: list[MimicPPO]) -> None:
    arrays, numbers = copied(learners[0])
    other = learners[1]
    what = "a checkpoint does not fit this training"
    assert {name.partition(".")[0] for name in arrays} == {
        *("policy", "optimizer", "normalizer", "environments", "last_observations", "last_episode_starts", "random")
    }
    for name, array in arrays.items():
        shape = f"{array.dtype} {array.shape}"
        without = {key: value for key, value in arrays.items() if key != name}
        assert state.problem(other, without, numbers) == (what, f"{name} nothing", shape)
        wider = np.stack([array, array])
        assert state.problem(other, arrays | {name: wider}, numbers) == (
            what,
            f"{name} {array.dtype} {wider.shape}",
            shape,
        )
        cast = np.zeros(array.shape, np.float16)
        assert state.problem(other, arrays | {name: cast}, numbers) == (what, f"{name} float16 {array.shape}", shape)
    told = state.problem(other, arrays | {"zero": np.zeros(1)}, numbers)
    assert told == (what, "zero float64 (1,)", "nothing")


@pytest.mark.parametrize(
    "training",
    [
        {"net_arch": {"pi": [16, 8]}},
        {"net_arch": {"vf": [4]}},
        {"n_envs": 2, "n_steps": 64},
        {"net_arch": {"pi": [16]}},
    ],
    ids=str,
)
def test_a_state_of_another_training_does_not_fit(
    prepare, learners: list[MimicPPO], tmp_path: Path, training: dict[str, Any]
) -> None:
    told = state.problem(fresh(prepare, tmp_path / "run", **training), *copied(learners[0]))
    assert told is not None and told[0] == "a checkpoint does not fit this training" and told[1] != told[2]


@pytest.mark.fault(10)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_and_statistics_that_are_not_finite_are_named(learners: list[MimicPPO], bad: float) -> None:
    arrays, numbers = copied(learners[0])
    for name in (name for name in arrays if name.startswith(("policy.", "normalizer."))):
        poisoned = arrays[name].copy()
        poisoned[(0,) * poisoned.ndim] = bad
        told = state.problem(learners[1], arrays | {name: poisoned}, numbers)
        assert told == ("a number of a checkpoint is not finite", name, "")


@pytest.mark.fault(10)
def test_a_negative_variance_is_named(learners: list[MimicPPO]) -> None:
    arrays, numbers = copied(learners[0])
    for name in ("normalizer.observation.variance", "normalizer.reward.variance"):
        told = state.problem(learners[1], arrays | {name: -arrays[name]}, numbers)
        assert told == ("a variance of a checkpoint is negative", name, "")


@pytest.mark.parametrize(
    "change",
    [
        {"python_random": []},
        {"python_random": [3, [1, 2], None]},
        {"python_random": [9, list(range(625)), None]},
        {"python_random": [3, ["a"] * 625, None]},
        {"python_random": [3, [-1] * 625, None]},
        {"numpy_gauss": [1]},
        {"numpy_gauss": ["a", "b"]},
    ],
    ids=lambda change: str(change)[:40],
)
def test_a_random_state_that_is_none_is_told(learners: list[MimicPPO], change: dict[str, Any]) -> None:
    arrays, numbers = copied(learners[0])
    what, got, _ = state.problem(learners[1], arrays, numbers | change) or ("", "", "")
    assert what == "a random state of a checkpoint is none" and got


def test_looking_for_problems_draws_no_random_number(learners: list[MimicPPO]) -> None:
    saved = copied(learners[0])
    draw()
    before = copied(learners[0])
    assert state.problem(learners[1], *saved) is None
    arrays, numbers = copied(learners[0])
    assert numbers == before[1]
    assert all(arrays[name].tobytes() == before[0][name].tobytes() for name in ("random.numpy", "random.torch"))
