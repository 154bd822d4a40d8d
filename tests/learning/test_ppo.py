"""PPO: schedules over samples reach the optimiser; a diverged update leaves the weights from before, bitwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed

from mimicrl.envs.task import Task
from mimicrl.errors import TrainingDiverged
from mimicrl.learning.ppo import LEARNERS, MimicPPO
from mimicrl.learning.schedules import value_at
from mimicrl.training import vec_envs


@pytest.fixture
def learner(prepare, tmp_path: Path) -> Iterator[Any]:
    """Makes a tiny learner with changed hyper-parameters."""
    made = []

    def make(**training: Any) -> MimicPPO:
        run = prepare(tmp_path / f"run-{len(made)}", training=training)
        made.append(vec_envs.make(run, Task.of_run(run), 1))
        made[-1].seed(5)
        model = MimicPPO(run.config.training, made[-1], seed=3)
        model.set_logger(Logger(None, []))
        return model

    yield make
    for environments in made:
        environments.close()


def weights(model: MimicPPO) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.policy.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


class _AfterRollout(BaseCallback):
    """Keeps the weights that collected the rollout, then meddles with the learner."""

    def __init__(self, meddle: Any) -> None:
        super().__init__()
        self._meddle = meddle
        self.before: dict[str, torch.Tensor] = {}

    def _on_rollout_end(self) -> None:
        self.before = weights(self.model)  # type: ignore[arg-type]
        self._meddle(self.model)

    def _on_step(self) -> bool:
        return True


def _nothing(model: MimicPPO) -> None: ...


def _bad_returns(model: MimicPPO) -> None:
    model.rollout_buffer.returns[0, 0] = np.nan


def _bad_advantages(model: MimicPPO) -> None:
    model.rollout_buffer.advantages[3, 1] = np.nan


def _bad_weight(model: MimicPPO) -> None:
    # What an optimiser step with an infinite moment does: the weights are bad, the loss before the step was not.
    check = model._check_update

    def poisoned() -> None:
        with torch.no_grad():
            model.policy.get_parameter("action_net.bias")[0] = torch.inf
        check()

    model._check_update = poisoned  # type: ignore[method-assign]


@pytest.mark.fault(18)
@pytest.mark.parametrize("update", LEARNERS)
@pytest.mark.parametrize(
    ("meddle", "training", "message"),
    [
        (_bad_returns, {}, "not finite"),
        (_bad_advantages, {}, "not finite"),
        (
            _bad_weight,
            {},
            "^a weight is not finite — update 2, after 128 samples, action_net.bias — lower the learning",
        ),
        (_nothing, {"max_kl": 1e-9}, "^an update moved the policy too far — .* — got KL divergence .*training.max_kl"),
        (
            _nothing,
            {"learning_rate": {"kind": "constant", "start": 1e3, "end": None, "samples": None}},
            "finite|too far",
        ),
    ],
)
def test_a_diverged_update_leaves_the_policy_from_before(
    learner, meddle: Any, training: Any, message: str, update: str
) -> None:
    model = learner(update=update, **training)
    callback = _AfterRollout(meddle)
    with pytest.raises(TrainingDiverged, match=message):
        model.learn(128, callback)
    assert same(weights(model), callback.before)


def test_a_healthy_update_changes_the_policy(learner) -> None:
    model = learner()
    callback = _AfterRollout(_nothing)
    model.learn(128, callback)
    assert not same(weights(model), callback.before)


def test_other_errors_are_not_called_divergence(learner) -> None:
    model = learner()

    def broken(_: MimicPPO) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        model.learn(128, _AfterRollout(broken))


@pytest.mark.parametrize("update", LEARNERS)
def test_updates_follow_the_schedules_over_samples(learner, update: str) -> None:
    falling = {"kind": "linear", "start": 1e-3, "end": 1e-4, "samples": 400}
    model = learner(update=update, learning_rate=falling, clip_range={**falling, "kind": "exponential"})
    config, seen = model.config, []

    class Look(BaseCallback):
        def _on_rollout_start(self) -> None:
            if self.num_timesteps:
                self._look()

        def _look(self) -> None:
            logged = self.logger.name_to_value
            seen.append((self.num_timesteps, logged["train/learning_rate"], logged["train/clip_range"]))

        def _on_step(self) -> bool:
            return True

        def _on_training_end(self) -> None:
            self._look()

    model.learn(512, Look(), log_interval=None)
    assert [samples for samples, _, _ in seen] == [128, 256, 384, 512]
    for samples, rate, clip in seen:
        assert rate == value_at(config.learning_rate, samples, 1)
        assert clip == value_at(config.clip_range, samples, 1)


def test_the_exported_policy_acts_as_the_learner_does(learner) -> None:
    model = learner()
    model.learn(256)
    observation = model.env.unwrapped.batch.observation  # type: ignore[union-attr]
    raw = np.random.default_rng(1).uniform(-1, 1, (4, len(observation.low))).astype(np.float32)
    expected, _ = model.predict(model.normalizer.normalize_obs(raw), deterministic=True)
    np.testing.assert_allclose(model.export({}).predict(raw), expected, atol=1e-6)


def test_a_rollout_and_an_update_of_the_reference_are_the_fast_ones_within_rounding(learner) -> None:
    fast, reference = (learner(update=update) for update in ("fast", "sb3"))
    for model in (fast, reference):
        set_random_seed(1)
        model.learn(128, _AfterRollout(_nothing))
    for name in ("observations", "actions", "advantages"):
        mine, theirs = (getattr(model.rollout_buffer, name).ravel() for model in (fast, reference))
        assert np.sort(mine) == pytest.approx(np.sort(theirs), rel=1e-4, abs=1e-4), name
    for (name, mine), theirs in zip(fast.policy.named_parameters(), reference.policy.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    told, expected = fast.logger.name_to_value, reference.logger.name_to_value
    for name in (name for name in expected if name.startswith("train/")):
        assert told[name] == pytest.approx(expected[name], rel=1e-3, abs=1e-4), name
