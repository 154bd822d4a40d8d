"""A number that is not finite, wherever it comes in: told by name, before normaliser or weights have seen it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from resume.trainers import Prepare, assert_same, attempts, digests
from stable_baselines3.common.buffers import RolloutBuffer
from stage_calls import train
from support import read_video

from mimicrl import artifacts
from mimicrl.errors import TrainingDiverged
from mimicrl.learning.fast.adam import FlatAdam
from mimicrl.learning.fast.learner import FastLearner
from mimicrl.learning.fast.networks import Network
from mimicrl.learning.ppo import MimicPPO
from mimicrl.mdp.simulation import BatchSimulation
from mimicrl.mdp.step import MimicBatch, StepResult
from mimicrl.policy import Policy
from mimicrl.runs import Run
from mimicrl.training.checkpoints import store

COUNT, STEPS, BUDGET = 4, 32, 512
# The sixth step of the third rollout, in the third environment; two updates of two epochs came before it.
STEP, ENVIRONMENT = 2 * STEPS + 5, 2
ROLLOUT, UPDATE = "rollout after update 4", "update 6, after 384 samples"


class _Plant:
    """Puts a bad number somewhere, and notes what learner and checkpoints were like just before."""

    def __init__(self, run: Run, patch: pytest.MonkeyPatch, bad: float) -> None:
        self.run, self.patch, self.bad = run, patch, bad
        self.batched = run.config.training.vec_env == "batched"
        self.learned: list[bytes] = []
        self.checkpoints: dict[Path, str] = {}
        self.models: list[MimicPPO] = []
        make = MimicPPO.__init__

        def remember(model: MimicPPO, *arguments: Any, **options: Any) -> None:
            make(model, *arguments, **options)
            self.models.append(model)

        patch.setattr(MimicPPO, "__init__", remember)

    @property
    def model(self) -> MimicPPO:
        """The learner that the training made last."""
        return self.models[-1]

    def note(self) -> None:
        self.learned, self.checkpoints = learned(self.model), digests(self.run.training.checkpoints_directory)

    def after(self, owner: Any, name: str, number: int, change: Callable[[Any, Any], Any]) -> None:
        """Have `change` do something to the object and to what the `number`-th call of a method returns."""
        real, calls = getattr(owner, name), 0

        def call(self_: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal calls
            result = real(self_, *arguments, **options)
            calls += 1
            if calls - 1 == number:
                change(self_, result)
            return result

        self.patch.setattr(owner, name, call)

    def after_step(self, change: Callable[[StepResult, int], Any], step: int = STEP) -> None:
        """Have `change` do something to the step of the one environment, in the row that it is told."""
        # One batch of all environments, or as many batches of one.
        number, row = (step, ENVIRONMENT) if self.batched else (COUNT * step + ENVIRONMENT, 0)
        self.after(MimicBatch, "step", number, lambda _, transition: (self.note(), change(transition, row)))


def learned(model: MimicPPO) -> list[bytes]:
    """Weights and normaliser, bit by bit."""
    normalizer = model.normalizer
    statistics = [
        np.asarray(getattr(part, name)).tobytes()
        for part in (normalizer.obs_rms, normalizer.ret_rms)
        for name in ("mean", "var", "count")
    ]
    return [tensor.numpy().tobytes() for tensor in model.policy.state_dict().values()] + statistics


def action(plant: _Plant) -> None:
    def change(_: Any, result: Any) -> None:
        plant.note()
        result[ENVIRONMENT, 5] = plant.bad

    plant.after(FastLearner, "act", STEP, change)


def output(plant: _Plant) -> None:
    real, rollout_calls = Network.forward, 0

    def forward(network: Network, inputs: torch.Tensor) -> torch.Tensor:
        nonlocal rollout_calls
        means = real(network, inputs)
        if len(means) == COUNT and means.shape[1] > 1:  # the actor's, and not a batch of an update
            rollout_calls += 1
            if rollout_calls > STEP:
                plant.note()
                means[ENVIRONMENT, 5] = torch.nan
        return means

    plant.patch.setattr(Network, "forward", forward)


def observation(plant: _Plant) -> None:
    def change(step: StepResult, row: int) -> None:
        step.observation[row, 3] = plant.bad

    plant.after_step(change)


def reward(plant: _Plant) -> None:
    def change(step: StepResult, row: int) -> None:
        step.reward[row] = plant.bad

    plant.after_step(change)


def loss(plant: _Plant) -> None:
    def change(buffer: RolloutBuffer, _: None) -> None:
        plant.note()
        buffer.returns[7, ENVIRONMENT] = plant.bad

    plant.after(RolloutBuffer, "compute_returns_and_advantage", 2, change)


def weight(plant: _Plant) -> None:
    def change(_: Any, __: Any) -> None:
        bias = plant.model.policy.state_dict()["action_net.bias"]  # shares the weights' memory
        bias[5] = plant.bad

    plant.after(RolloutBuffer, "compute_returns_and_advantage", 2, lambda *_: plant.note())
    plant.after(FlatAdam, "step", 11, change)  # the last of the four steps of the third update


ENTRIES: dict[Callable[[_Plant], None], str] = {
    action: f"an action is not finite — {ROLLOUT}, environment 2, hip_adduction_l — got nan — ",
    output: f"an action is not finite — {ROLLOUT}, environment 2, hip_adduction_l — got nan — ",
    observation: f"an observation is not finite — {ROLLOUT}, environment 2, forward lean (pitch) of root — got ",
    reward: f"a reward is not finite — {ROLLOUT}, environment 2 — got ",
    loss: f"train/loss is not finite — {UPDATE} — ",
    weight: f"a weight is not finite — {UPDATE}, action_net.bias — ",
}


# Infinite actions are clipped; an update, which does not clip, is the same for all kinds of environments.
CASES = [
    *((entry, "batched", np.nan) for entry in ENTRIES),
    *((entry, "batched", np.inf) for entry in (observation, loss)),
    *((entry, "dummy", np.nan) for entry in (action, reward)),
]


def undisturbed(prepare: Prepare, path: Path, kind: str) -> Run:
    # Evaluations step batches too: none before the end.
    return prepare(path, training={"vec_env": kind}, evaluation={"eval_freq": BUDGET})


@pytest.fixture(scope="module")
def whole(prepare: Prepare, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Gives a run of either kind that nothing happened to."""

    @functools.cache
    def make(kind: str) -> Run:
        run = undisturbed(prepare, tmp_path_factory.mktemp("whole") / "run", kind)
        train(run, cores=1)
        return run

    return make


@pytest.mark.fault(15, 16, 17, 18)
@pytest.mark.parametrize(("entry", "kind", "bad"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_bad_number_stops_training_before_anything_has_learned_from_it(
    prepare: Prepare,
    whole: Callable[[str], Run],
    tmp_path: Path,
    entry: Callable[[_Plant], None],
    kind: str,
    bad: float,
) -> None:
    run = undisturbed(prepare, tmp_path / "run", kind)
    with pytest.MonkeyPatch.context() as patch:
        plant = _Plant(run, patch, bad)
        entry(plant)
        with pytest.raises(TrainingDiverged) as caught:
            train(run, cores=1)
    told = str(caught.value)
    assert told.startswith(ENTRIES[entry])
    assert " — lower the learning rate" in told
    assert caught.value.exit_code == 4
    assert plant.learned
    assert learned(plant.model) == plant.learned, "neither weights nor normaliser have moved"
    assert all(np.isfinite(tensor).all() for tensor in Policy.load(run.policy_directory("final")).tensors.values())
    found, problems = store.newest(run.training.checkpoints_directory, run.fingerprint)
    assert problems == []
    assert found is not None
    assert found.samples == 256
    assert digests(run.training.checkpoints_directory) == plant.checkpoints
    assert len(plant.checkpoints) == 6
    samples = 384 if "after 384 samples" in told else 256 + 5 * COUNT
    outcome = artifacts.read_json(run.outcome_file)
    assert (outcome["status"], outcome["samples"], outcome["problem"]) == ("diverged", samples, told)
    assert attempts(run) == [(0, samples, "diverged")]
    # Without the bad number, it goes on from the last good checkpoint as if nothing had happened.
    train(run, resume="must", cores=1)
    assert_same(run, whole(kind))


def broken_state(plant: _Plant, step: int) -> None:
    """A velocity of the one simulation is no number any more."""
    row = ENVIRONMENT if plant.batched else 0
    number = step if plant.batched else COUNT * step + ENVIRONMENT

    def change(simulation: BatchSimulation, _: Any) -> None:
        simulation.qvel[row, 7] = plant.bad

    plant.after(BatchSimulation, "step", number, change)


def engine_error(plant: _Plant, step: int) -> None:
    """The engine says that it could not step the one simulation."""
    row = ENVIRONMENT if plant.batched else 0
    number = step if plant.batched else COUNT * step + ENVIRONMENT
    plant.after(BatchSimulation, "step", number, lambda _, failed: failed.append(row))


@pytest.mark.fault(14)
@pytest.mark.parametrize(("cause", "kind"), [(broken_state, "batched"), (engine_error, "dummy")])
def test_physics_that_breaks_down_ends_an_episode_and_can_be_looked_at(
    prepare: Prepare, mimicrl: Any, tmp_path: Path, kind: str, cause: Callable[[_Plant, int], None]
) -> None:
    run = prepare(tmp_path / "run", training={"vec_env": kind}, evaluation={"eval_freq": 2 * BUDGET})
    steps = [STEPS + 9, 2 * STEPS + 5, 2 * STEPS + 6, 3 * STEPS]
    with pytest.MonkeyPatch.context() as patch:
        plant = _Plant(run, patch, np.nan)
        for step in steps:
            cause(plant, step)
        assert train(run, cores=1).status == "completed"
    Policy.load(run.policy_directory("final"))  # refuses weights and statistics that are not finite
    shares = pd.read_parquet(run.metrics_file)["rollout/ended_by_diverged"].tolist()
    assert shares[0] == 0
    assert min(shares[1:]) > 0
    dumps = sorted(run.training.divergences_directory.iterdir())
    assert [dump.name for dump in dumps] == [
        f"{COUNT * (step + 1):012d}-environment-{ENVIRONMENT}.npy" for step in steps[1:]
    ]
    lengths = [len(np.load(dump, allow_pickle=False)) for dump in dumps]
    assert lengths[1] == 1, "its episode had just begun"
    out = tmp_path / "last.mp4"
    words = ["--dump", dumps[0], "--out", out, "--width", 64, "--height", 48, "--fps", 10]
    done = mimicrl("replay", run.path, *words)
    assert done.code == 0, done.err
    assert str(out) in done.out
    frames = read_video(out)[1]
    slowly = 10 * 10 / 50  # ten times slower, ten pictures a second, 50 steps a second
    assert frames.shape == (round(slowly * lengths[0]), 48, 64, 3)
