"""Policies: two plain files, the same actions as PyTorch's and Stable-Baselines3's, and no damage goes unseen."""

from __future__ import annotations

import itertools
import json
import pickletools
import threading
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from safetensors.numpy import save as save_tensors
from stable_baselines3.common.vec_env import VecNormalize

from mimicrl import artifacts, policy
from mimicrl.config import MDPConfig, RunConfig
from mimicrl.envs.sb3 import MimicVecEnv
from mimicrl.errors import ArtifactError
from mimicrl.learning.ppo import MimicPPO
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import ReferenceTrajectory
from mimicrl.policy import Policy
from mimicrl.walkers import Walker

SIZES = (5, 16, 12, 3)
WEIGHTS, DESCRIPTION = "policy.safetensors", "policy.json"


def make(activation: str = "relu", clip: float = 10.0, sizes: tuple[int, ...] = SIZES) -> Policy:
    """A policy with random weights."""
    rng = np.random.default_rng(0)
    tensors: dict[str, np.ndarray] = {}
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        tensors[f"actor.{layer}.weight"] = rng.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)
        tensors[f"actor.{layer}.bias"] = rng.normal(0, 0.1, outputs).astype(np.float32)
    tensors["log_std"] = np.full(sizes[-1], -1.0, np.float32)
    tensors["observation.mean"] = rng.normal(0, 1, sizes[0])
    tensors["observation.variance"] = rng.uniform(0.5, 2, sizes[0])
    return Policy(tensors, activation, clip, {"samples": 7, "run": {"seed": 1}})


def observations(count: int, size: int = SIZES[0]) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 2, (count, size)).astype(np.float32)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The directory of a saved policy."""
    make().save(tmp_path)
    return tmp_path


# --- inference ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [SIZES, (5, 3), (5, 8, 8, 8, 3)], ids=str)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("clip", [10.0, 0.5])
def test_predictions_are_those_of_pytorch(activation: str, clip: float, sizes: tuple[int, ...]) -> None:
    policy = make(activation, clip, sizes)
    modules: list[torch.nn.Module] = []
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        linear = torch.nn.Linear(inputs, outputs)
        linear.weight.data = torch.from_numpy(policy.tensors[f"actor.{layer}.weight"])
        linear.bias.data = torch.from_numpy(policy.tensors[f"actor.{layer}.bias"])
        modules += [linear, torch.nn.ReLU() if activation == "relu" else torch.nn.Tanh()]
    network = torch.nn.Sequential(*modules[:-1])
    rows = observations(40)
    scale = np.sqrt(policy.tensors["observation.variance"] + 1e-8)
    normalized = np.clip((rows - policy.tensors["observation.mean"]) / scale, -clip, clip)
    with torch.no_grad():
        expected = network(torch.from_numpy(normalized).float()).clamp(-1, 1).numpy()
    np.testing.assert_allclose(policy.predict(rows), expected, rtol=0, atol=1e-6)


@pytest.fixture(scope="module", params=["relu", "tanh"])
def trained(
    request: pytest.FixtureRequest, tiny: Callable[..., RunConfig], walker: Walker, reference: ReferenceTrajectory
) -> MimicPPO:
    """A PPO after two small updates, with a normaliser that saw some samples."""
    config = tiny(training={"activation_fn": request.param, "net_arch": {"pi": [16, 8], "vf": [12]}}).training
    batch = MimicBatch(walker, reference, MDPConfig(), config.n_envs)
    learner = MimicPPO(config, VecNormalize(MimicVecEnv(batch), clip_obs=10.0), seed=3)
    learner.learn(256)
    with torch.no_grad():
        cast(torch.nn.Linear, learner.policy.action_net).weight.mul_(20.0)  # two updates leave the actions near 0
    return learner


def test_actor_and_critic_of_an_export_are_stable_baselines3s(trained: MimicPPO) -> None:
    policy = trained.export({})
    normalized = observations(200, policy.observation_size)
    rows = trained.normalizer.unnormalize_obs(normalized)
    assert isinstance(rows, np.ndarray)
    expected, _ = trained.predict(trained.normalizer.normalize_obs(rows), deterministic=True)
    np.testing.assert_allclose(policy.predict(rows), expected, rtol=0, atol=1e-5)
    assert np.abs(expected).max() > 0.05
    hidden = normalized @ policy.tensors["critic.0.weight"].T + policy.tensors["critic.0.bias"]
    hidden = np.maximum(hidden, 0) if trained.config.activation_fn == "relu" else np.tanh(hidden)
    values = hidden @ policy.tensors["critic.1.weight"].T + policy.tensors["critic.1.bias"]
    with torch.no_grad():
        valued = trained.policy.predict_values(torch.from_numpy(normalized)).numpy()
    np.testing.assert_allclose(values, valued, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(policy.tensors["log_std"], trained.policy.log_std.detach().numpy())


def test_an_export_keeps_its_weights_when_the_learner_goes_on(trained: MimicPPO) -> None:
    policy, parameters = trained.export({}), deepcopy(trained.policy.state_dict())
    before = policy.weights()
    with torch.no_grad():
        for parameter in trained.policy.parameters():
            parameter.add_(1.0)
    assert policy.weights() == before
    trained.policy.load_state_dict(parameters)


def test_one_observation_is_a_batch_of_one() -> None:
    policy, rows = make(), observations(6)
    assert policy.predict(rows).shape == (6, 3)
    for row in rows:
        action = policy.predict(row)
        assert action.shape == (3,)
        assert action.dtype == np.float32
        np.testing.assert_array_equal(action, policy.predict(row[None])[0])
        np.testing.assert_allclose(action, policy.predict(rows)[(rows == row).all(axis=1)][0], rtol=0, atol=1e-6)


def test_a_generator_draws_from_the_policys_distribution_within_1() -> None:
    policy = make()
    rows = np.repeat(policy.tensors["observation.mean"][None], 20_000, axis=0)
    mean = policy.predict(rows[0])
    assert np.abs(mean).max() < 0.5  # so that clipping to 1 cuts nothing much
    actions = policy.predict(rows, np.random.default_rng(0))
    np.testing.assert_allclose(actions.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(actions.std(axis=0), np.exp(-1.0), atol=0.03)
    np.testing.assert_array_equal(actions, policy.predict(rows, np.random.default_rng(0)))
    assert not np.array_equal(actions, policy.predict(rows, np.random.default_rng(1)))
    policy.tensors["actor.2.bias"][:] = [9.0, -9.0, 0.0]
    actions = policy.predict(rows, np.random.default_rng(0))
    assert actions.dtype == np.float32
    assert actions.max() == 1
    assert actions.min() == -1


@pytest.mark.parametrize("shape", [(4,), (3, 6)])
def test_other_observations_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArtifactError) as caught:
        make().predict(np.zeros(shape))
    assert str(caught.value) == (f"the policy was trained on other observations — got {shape[-1]} numbers, expected 5")


# --- files ----------------------------------------------------------------------------------------------------------


def test_a_saved_policy_comes_back_as_it_was_and_is_saved_as_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    policy, loaded = make(), Policy.load(str(saved))
    assert (loaded.activation, loaded.clip_observation, loaded.about) == ("relu", 10.0, policy.about)
    assert {name: tensor.dtype for name, tensor in loaded.tensors.items()} == {
        name: tensor.dtype for name, tensor in policy.tensors.items()
    }
    np.testing.assert_array_equal(loaded.predict(observations(9)), policy.predict(observations(9)))
    loaded.save(tmp_path / "again")
    for name in (WEIGHTS, DESCRIPTION):
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes()


def test_the_files_are_two_and_carry_no_code(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {WEIGHTS, DESCRIPTION}
    json.loads((saved / DESCRIPTION).read_bytes())
    weights = (saved / WEIGHTS).read_bytes()
    assert int.from_bytes(weights[:8], "little") + 8 < len(weights)  # the header of plain tensors
    with pytest.raises(ValueError, match=r"opcode|pickle|exhausted|expected"):
        list(pickletools.genops(weights))


@pytest.mark.fault(3)
def test_who_reads_while_another_one_writes_gets_one_policy_or_the_other(tmp_path: Path) -> None:
    policies = [make(), make("tanh")]
    for tensor in policies[1].tensors.values():
        tensor += 1
    known = {policy.weights_sha256: policy.activation for policy in policies}
    policies[0].save(tmp_path)
    stop = threading.Event()

    def write() -> None:
        for policy in itertools.cycle(policies):
            policy.save(tmp_path)
            if stop.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(300):
            policy = Policy.load(tmp_path)
            assert known[policy.weights_sha256] == policy.activation
    finally:
        stop.set()
        writer.join()


def edit(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """A damage that changes the bytes of a file."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def described(**changes: object) -> Callable[[Path], object]:
    """A damage that changes values of the description; None removes one."""

    def change(content: bytes) -> bytes:
        about = json.loads(content) | changes
        return json.dumps({name: value for name, value in about.items() if value is not None}).encode()

    return edit(DESCRIPTION, change)


def weighed(weights: bytes) -> Callable[[Path], object]:
    """A damage that puts other weights there and describes them."""

    def change(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(weights)
        described(weights_sha256=artifacts.sha256(weights))(folder)

    return change


MISSING, OTHERS = "got No such file or directory", "a policy's weights are not those it describes — {at}/" + WEIGHTS
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (
        lambda folder: (folder / WEIGHTS).unlink(),
        f"a policy is incomplete — {{at}}/{WEIGHTS} — {MISSING}",
    ),
    "no description": (
        lambda folder: (folder / DESCRIPTION).unlink(),
        f"a file of the run cannot be read — {{at}}/{DESCRIPTION} — {MISSING}",
    ),
    "truncated weights": (edit(WEIGHTS, lambda content: content[:-10]), OTHERS),
    "a flipped bit": (edit(WEIGHTS, lambda content: content[:-1] + bytes([content[-1] ^ 1])), OTHERS),
    "swapped weights": (edit(WEIGHTS, lambda content: make(sizes=(5, 4, 3)).weights()), OTHERS),
    "truncated description": (
        edit(DESCRIPTION, lambda content: content[:-10]),
        f"not valid JSON — {{at}}/{DESCRIPTION} — got ",
    ),
    "unknown format": (described(format=2), "unknown policy format — {at} — got 2, expected 1"),
    "incomplete": (described(activation=None), "a policy's description is incomplete — {at} — expected activation"),
    "no object": (
        edit(DESCRIPTION, lambda content: b"[1, 2]"),
        "unknown policy format — {at} — got a list, expected 1",
    ),
    "unreadable weights": (weighed(b"not tensors"), f"a policy's weights cannot be read — {{at}}/{WEIGHTS} — got "),
    "not a number": (
        weighed(save_tensors(dict(make().tensors) | {"actor.1.bias": np.full(12, np.nan, np.float32)})),
        "a policy has numbers that are not finite — {at} — got actor.1.bias",
    ),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_policy_is_refused(
    saved: Path, damage: Callable[[Path], object], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "_WRITER_S", 0.0)  # nobody is writing
    damage(saved)
    with pytest.raises(ArtifactError) as caught:
        Policy.load(saved)
    assert str(caught.value).startswith(told.format(at=saved))
