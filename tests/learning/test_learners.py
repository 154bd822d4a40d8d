"""The learners: one update of either is the same, and both act as PyTorch's distributions say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import DummyVecEnv

from mimicrl.config import TrainingConfig
from mimicrl.config.models import NetArch
from mimicrl.learning.base import Learner
from mimicrl.learning.fast.learner import FastLearner
from mimicrl.learning.ppo import LEARNERS
from mimicrl.learning.reference import ReferenceLearner, ReferencePolicy

N_ENVS, N_STEPS = 4, 32
# What a rollout leaves in the buffer for an update.
FILLED = ("observations", "actions", "log_probs", "values", "rewards", "advantages", "returns")
both = pytest.mark.parametrize("kind", LEARNERS.values())


class _NoEnvironment(DummyVecEnv):
    """Spaces without an environment behind them."""

    def __init__(self) -> None:
        self.num_envs = N_ENVS
        self.observation_space = spaces.Box(-np.inf, np.inf, (6,))
        self.action_space = spaces.Box(-1.0, 1.0, (3,))
        self.metadata = {}
        self.render_mode = None

    def reset(self) -> Any: ...

    def close(self) -> None: ...

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [None] * N_ENVS


def config(**changes: Any) -> TrainingConfig:
    fields = {"n_envs": N_ENVS, "n_steps": N_STEPS, "batch_size": 32, "n_epochs": 3, "total_timesteps": 1000}
    fields |= {"net_arch": NetArch(pi=(16, 12), vf=(20, 8))}
    return TrainingConfig.model_validate(fields | changes)


def make(kind: type[Learner], config: TrainingConfig) -> tuple[PPO, Learner]:
    """Stable-Baselines3's PPO with a policy for a kind of learner, and that learner."""
    model = PPO(
        kind.policy_class,
        _NoEnvironment(),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        learning_rate=1e-3,
        clip_range=0.1,
        ent_coef=config.ent_coef,
        vf_coef=config.vf_coef,
        max_grad_norm=config.max_grad_norm,
        policy_kwargs={
            "net_arch": {"pi": list(config.net_arch.pi), "vf": list(config.net_arch.vf)},
            "activation_fn": torch.nn.ReLU if config.activation_fn == "relu" else torch.nn.Tanh,
            "log_std_init": -0.5,
            "optimizer_class": kind.optimizer_class,
        },
        seed=1,
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    return model, kind(model.policy, config)


def fill(buffer: RolloutBuffer, learner: Learner) -> None:
    """Samples of a policy that is not quite the one that learns from them."""
    random = np.random.default_rng(7)
    observations = random.normal(size=(N_STEPS * N_ENVS, 6)).astype(np.float32)
    actions = np.concatenate([learner.act(observations[: N_STEPS * N_ENVS // 4])] * 4)
    off = random.normal(0.0, 0.1, len(observations)).astype(np.float32)
    buffer.reset()
    buffer.observations[:] = observations.reshape(buffer.observations.shape)
    buffer.actions[:] = actions.reshape(buffer.actions.shape)
    buffer.log_probs[:] = (learner.log_probabilities(observations, actions) + off).reshape(buffer.log_probs.shape)
    buffer.values[:] = learner.values(observations).reshape(buffer.values.shape)
    buffer.rewards[:] = random.normal(size=buffer.rewards.shape)
    buffer.pos, buffer.full = N_STEPS, True
    buffer.compute_returns_and_advantage(torch.zeros(N_ENVS), np.zeros(N_ENVS))


def share(source: RolloutBuffer, target: RolloutBuffer) -> None:
    """Give a model the samples of another one."""
    target.reset()
    for name in FILLED:
        setattr(target, name, getattr(source, name).copy())
    target.pos, target.full = N_STEPS, True


def assert_close(one: PPO, other: PPO, rtol: float = 1e-4, atol: float = 2e-6) -> None:
    for (name, mine), theirs in zip(one.policy.named_parameters(), other.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=rtol, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation_fn": "tanh"},
        {"ent_coef": 0.01, "vf_coef": 0.8},
        {"ent_coef": -0.01, "max_grad_norm": 1e9},
        {"n_epochs": 1, "batch_size": N_ENVS * N_STEPS},
        {"net_arch": NetArch(pi=(16,), vf=(8, 8, 8))},
    ],
    ids=str,
)
def test_the_fast_update_is_the_reference_within_rounding(changes: dict[str, Any]) -> None:
    (fast, learner), (slow, reference) = (make(kind, config(**changes)) for kind in (FastLearner, ReferenceLearner))
    assert_close(fast, slow, rtol=0.0, atol=0.0)
    for update in range(3):
        fill(fast.rollout_buffer, learner)
        share(fast.rollout_buffer, slow.rollout_buffer)
        for model, way in ((fast, learner), (slow, reference)):
            set_random_seed(update)
            way.update(model)
        told, expected = fast.logger.name_to_value, slow.logger.name_to_value
        assert told.keys() == expected.keys()
        for name, value in expected.items():
            assert told[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
        assert 0.0 < told["train/clip_fraction"] < 1.0, "both sides of the clip are tried"
        assert fast._n_updates == slow._n_updates
        assert_close(fast, slow)


def test_the_reference_is_stable_baselines3s_own_update_bitwise() -> None:
    (ours, learner), (theirs, _) = make(ReferenceLearner, config()), make(ReferenceLearner, config())
    fill(ours.rollout_buffer, learner)
    share(ours.rollout_buffer, theirs.rollout_buffer)
    set_random_seed(1)
    learner.update(ours)
    set_random_seed(1)
    theirs.train()
    assert_close(ours, theirs, rtol=0.0, atol=0.0)


def test_a_further_loss_counts_as_if_it_stood_in_the_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = 0.05
    (plain, learner), (further, other) = (
        make(ReferenceLearner, config(ent_coef=weight)),
        make(ReferenceLearner, config()),
    )
    fill(plain.rollout_buffer, learner)
    share(plain.rollout_buffer, further.rollout_buffer)
    set_random_seed(1)
    learner.update(plain)

    def minus_entropy(policy: ReferencePolicy, observations: torch.Tensor, actions: torch.Tensor) -> torch.Tensor:
        entropy = policy.get_distribution(observations).entropy()
        assert entropy is not None
        assert actions.shape == (32, 3)
        return -weight * entropy.mean()

    monkeypatch.setattr(ReferencePolicy, "further_loss", minus_entropy)
    set_random_seed(1)
    other.update(further)
    assert_close(further, plain, rtol=1e-5, atol=1e-7)


@both
def test_a_learner_goes_on_from_its_state_bitwise(kind: type[Learner]) -> None:
    (whole, learner), (stopped, earlier), (resumed, later) = (make(kind, config()) for _ in range(3))
    fill(whole.rollout_buffer, learner)
    share(whole.rollout_buffer, stopped.rollout_buffer)
    share(whole.rollout_buffer, resumed.rollout_buffer)
    shapes = {name: array.shape for name, array in later.state().items()}
    set_random_seed(1)
    learner.update(whole)
    share(stopped.rollout_buffer, whole.rollout_buffer)
    learner.update(whole)
    set_random_seed(1)
    earlier.update(stopped)
    state: Mapping[str, np.ndarray] = {name: array.copy() for name, array in earlier.state().items()}
    assert {name: array.shape for name, array in state.items()} == shapes
    assert state["steps"] == 12
    later.load_state(state)
    resumed.policy.load_state_dict(stopped.policy.state_dict())
    later.update(resumed)
    assert_close(resumed, whole, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("cores", [2, 5])
def test_a_second_core_takes_the_critic_and_changes_no_bit(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    critic = FastLearner._critic_gradients

    def seen(*words: Any) -> None:
        threads.append(threading.current_thread().name)
        critic(*words)

    monkeypatch.setattr(FastLearner, "_critic_gradients", seen)
    settings = config(n_epochs=5, net_arch=NetArch())
    models = []
    for given in (1, cores):
        model, _ = make(FastLearner, settings)
        models.append(model)
        with contextlib.closing(FastLearner(model.policy, settings, given)) as learner:
            fill(model.rollout_buffer, learner)
            set_random_seed(1)
            learner.update(model)
    here = threading.current_thread().name
    assert threads == [here] * 20 + ["critic_0"] * 20
    assert_close(*models, rtol=0.0, atol=0.0)
    assert models[0].logger.name_to_value == models[1].logger.name_to_value


def test_what_the_critics_thread_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("told")

    monkeypatch.setattr(FastLearner, "_critic_gradients", fail)
    model, _ = make(FastLearner, config())
    with contextlib.closing(FastLearner(model.policy, config(), 2)) as learner:
        fill(model.rollout_buffer, learner)
        with pytest.raises(KeyError, match="told"):
            learner.update(model)


def test_an_actor_that_fails_waits_for_the_critic() -> None:
    begun, released, done = threading.Event(), threading.Event(), []

    def critic() -> None:
        begun.set()
        released.wait(60.0)
        done.append("critic")

    def actor() -> None:
        begun.wait(60.0)
        threading.Timer(0.2, released.set).start()
        raise KeyError("actor")

    model, _ = make(FastLearner, config())
    with contextlib.closing(FastLearner(model.policy, config(), 2)) as learner, pytest.raises(KeyError, match="actor"):
        learner._both(actor, critic)
    assert done == ["critic"]


@both
def test_values_and_log_probabilities_are_the_policys(kind: type[Learner]) -> None:
    model, learner = make(kind, config())
    observations, actions = torch.randn(75, 6), torch.randn(75, 3)  # no multiple of a minibatch
    values, log_probabilities, _ = model.policy.evaluate_actions(observations, actions)
    assert learner.values(observations.numpy()) == pytest.approx(values.detach().numpy()[:, 0], abs=1e-6)
    told = learner.log_probabilities(observations.numpy(), actions.numpy())
    assert told == pytest.approx(log_probabilities.detach().numpy(), rel=1e-5, abs=1e-5)


@both
def test_actions_are_drawn_from_the_policys_distribution(kind: type[Learner]) -> None:
    model, learner = make(kind, config())
    observations = np.repeat(np.random.default_rng(1).normal(size=(1, 6)), 32, 0).astype(np.float32)
    drawn = np.concatenate([learner.act(observations) for _ in range(400)])
    distribution: Any = model.policy.get_distribution(torch.from_numpy(observations[:1])).distribution
    error = 4.0 / np.sqrt(len(drawn))
    deviation = (drawn - distribution.mean.detach().numpy()) / distribution.stddev.detach().numpy()
    assert np.abs(deviation.mean(0)).max() < error
    assert np.abs(deviation.std(0) - 1.0).max() < error


@both
def test_actions_repeat_with_the_generators_state(kind: type[Learner]) -> None:
    _, learner = make(kind, config())
    observations = np.zeros((N_ENVS, 6), np.float32)
    state = torch.get_rng_state()
    first = learner.act(observations)
    torch.set_rng_state(state)
    again = learner.act(observations)
    other = learner.act(observations)
    assert np.array_equal(first, again), "and drawing more does not change what was drawn"
    assert not np.array_equal(again, other)
