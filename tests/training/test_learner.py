"""The learner: one update is Stable-Baselines3's, and what it says of actions is what PyTorch's distributions say."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import DummyVecEnv

from mimicrl.config import TrainingConfig
from mimicrl.config.models import NetArch
from mimicrl.training.learner import Learner
from mimicrl.training.optimizer import FlatAdam

N_ENVS, N_STEPS = 4, 32


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


def make(config: TrainingConfig, optimizer: dict[str, Any]) -> PPO:
    model = PPO(
        "MlpPolicy",
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
            **optimizer,
        },
        seed=1,
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    return model


def fill(buffer: RolloutBuffer, learner: Learner) -> None:
    """Samples of a policy that is not quite the one that learns from them."""
    random = np.random.default_rng(7)
    observations = random.normal(size=(N_STEPS * N_ENVS, 6)).astype(np.float32)
    actions = learner.act(observations[: N_STEPS * N_ENVS // 4])
    actions = np.concatenate([actions] * 4)
    off = random.normal(0.0, 0.1, len(observations)).astype(np.float32)
    buffer.reset()
    buffer.observations[:] = observations.reshape(buffer.observations.shape)
    buffer.actions[:] = actions.reshape(buffer.actions.shape)
    buffer.log_probs[:] = (learner.log_probabilities(observations, actions) + off).reshape(buffer.log_probs.shape)
    buffer.values[:] = learner.values(observations).reshape(buffer.values.shape)
    buffer.rewards[:] = random.normal(size=buffer.rewards.shape)
    buffer.pos, buffer.full = N_STEPS, True
    buffer.compute_returns_and_advantage(torch.zeros(N_ENVS), np.zeros(N_ENVS))


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
)
def test_an_update_is_stable_baselines3s(changes: dict[str, Any]) -> None:
    settings = config(**changes)
    ours, theirs = make(settings, {"optimizer_class": FlatAdam}), make(settings, {})
    assert all(
        torch.equal(one, other) for one, other in zip(ours.policy.parameters(), theirs.policy.parameters(), strict=True)
    )
    learner, clipped = Learner(ours.policy, settings), []
    for update in range(3):
        fill(ours.rollout_buffer, learner)
        for name in ("observations", "actions", "log_probs", "values", "rewards", "advantages", "returns"):
            setattr(theirs.rollout_buffer, name, getattr(ours.rollout_buffer, name).copy())
        theirs.rollout_buffer.pos, theirs.rollout_buffer.full = N_STEPS, True
        theirs.rollout_buffer.generator_ready = False
        set_random_seed(update)
        told = learner.update(ours.rollout_buffer, 1e-3, 0.1)
        set_random_seed(update)
        theirs.train()
        expected = theirs.logger.name_to_value
        clipped.append(told.clip_fraction)
        names = {"policy_loss": "policy_gradient_loss"}
        for name, value in vars(told).items():
            assert value == pytest.approx(expected[f"train/{names.get(name, name)}"], rel=1e-4, abs=1e-6), name
    assert all(0.0 < share < 1.0 for share in clipped), "both sides of the clip are tried"
    for (name, one), other in zip(ours.policy.named_parameters(), theirs.policy.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


@pytest.mark.parametrize("cores", [2, 5])
def test_a_second_core_takes_the_critic_and_changes_no_bit(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    critic = Learner._critic_gradients

    def seen(*words: Any) -> None:
        threads.append(threading.current_thread().name)
        critic(*words)

    monkeypatch.setattr(Learner, "_critic_gradients", seen)
    settings = config(n_epochs=5, net_arch=NetArch())
    results = []
    for given in (1, cores):
        model = make(settings, {"optimizer_class": FlatAdam})
        with contextlib.closing(Learner(model.policy, settings, given)) as learner:
            fill(model.rollout_buffer, learner)
            set_random_seed(1)
            told = learner.update(model.rollout_buffer, 1e-3, 0.1)
            results.append((learner.optimizer.values.clone(), told))
    here = threading.current_thread().name
    assert threads == [here] * 20 + ["critic_0"] * 20
    (alone, told_alone), (beside, told_beside) = results
    assert torch.equal(alone, beside)
    assert told_alone == told_beside


def fail(*_: object) -> None:
    raise KeyError("told")


@pytest.mark.parametrize("failing", ["actor", "critic"])
@pytest.mark.parametrize("cores", [1, 2])
def test_what_actor_or_critic_raises_is_raised(
    policy: ActorCriticPolicy, monkeypatch: pytest.MonkeyPatch, cores: int, failing: str
) -> None:
    monkeypatch.setattr(Learner, f"_{failing}_gradients", fail)
    settings = config()
    with contextlib.closing(Learner(policy, settings, cores)) as learner:
        buffer = make(settings, {}).rollout_buffer
        fill(buffer, learner)
        with pytest.raises(KeyError, match="told"):
            learner.update(buffer, 1e-3, 0.1)


def test_an_actor_that_fails_waits_for_the_critic(policy: ActorCriticPolicy) -> None:
    begun, released, done = threading.Event(), threading.Event(), []

    def critic() -> None:
        begun.set()
        released.wait(60.0)
        done.append("critic")

    def actor() -> None:
        begun.wait(60.0)
        threading.Timer(0.2, released.set).start()
        raise KeyError("actor")

    with contextlib.closing(Learner(policy, config(), 2)) as learner, pytest.raises(KeyError, match="actor"):
        learner._both(actor, critic)
    assert done == ["critic"]


@pytest.fixture
def policy() -> ActorCriticPolicy:
    return make(config(), {"optimizer_class": FlatAdam}).policy


def test_values_and_log_probabilities_are_the_policys(policy: ActorCriticPolicy) -> None:
    learner = Learner(policy, config())
    observations = torch.randn(75, 6)  # no multiple of a minibatch
    actions = torch.randn(75, 3)
    values, log_probabilities, _ = policy.evaluate_actions(observations, actions)
    assert learner.values(observations.numpy()) == pytest.approx(values.detach().numpy()[:, 0], abs=1e-6)
    told = learner.log_probabilities(observations.numpy(), actions.numpy())
    assert told == pytest.approx(log_probabilities.detach().numpy(), rel=1e-5, abs=1e-5)


def test_actions_are_drawn_from_the_policys_distribution(policy: ActorCriticPolicy) -> None:
    learner = Learner(policy, config())
    observations = np.repeat(np.random.default_rng(1).normal(size=(1, 6)), 32, 0).astype(np.float32)
    drawn = np.concatenate([learner.act(observations) for _ in range(400)])
    distribution: Any = policy.get_distribution(torch.from_numpy(observations[:1])).distribution
    error = 4.0 / np.sqrt(len(drawn))
    deviation = (drawn - distribution.mean.detach().numpy()) / distribution.stddev.detach().numpy()
    assert np.abs(deviation.mean(0)).max() < error and np.abs(deviation.std(0) - 1.0).max() < error


def test_actions_repeat_with_the_generators_state(policy: ActorCriticPolicy) -> None:
    learner = Learner(policy, config())
    observations = np.zeros((N_ENVS, 6), np.float32)
    state = torch.get_rng_state()
    first = learner.act(observations)
    torch.set_rng_state(state)
    again = learner.act(observations)
    assert first is not again and np.array_equal(first, again)
    assert not np.array_equal(again, learner.act(observations)) and np.array_equal(first, again)
