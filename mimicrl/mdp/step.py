"""The task: N walkers imitate one reference, stepped together. All environments are interfaces to `MimicBatch`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mimicrl import seeding
from mimicrl.errors import ConfigError
from mimicrl.geometry.rotations import Array
from mimicrl.mdp import mirroring, rewards, terminations
from mimicrl.mdp.config import TaskConfig
from mimicrl.mdp.error import tracking_error
from mimicrl.mdp.observations import Observation
from mimicrl.mdp.reset import draw_phase, reference_state
from mimicrl.mdp.simulation import BatchSimulation
from mimicrl.mdp.state import BodyState, measure
from mimicrl.mdp.terminations import TIME
from mimicrl.mdp.terms import View
from mimicrl.motions.reference import ReferenceFrame, ReferenceTrajectory
from mimicrl.walkers.walker import Walker


class StepResult(NamedTuple):
    """The result of one step of N simulations.

    Attributes:
        observation: Observation of the new state, float32, shape ``(N, D)``.
        reward: float32, shape ``(N,)``.
        terms: The reward's terms in the order of `MimicBatch.reward_names`, float32, shape ``(N, K)``.
        terminated: bool, shape ``(N,)``.
        truncated: bool, shape ``(N,)``.
        reason: Why each episode ended, an index into `MimicBatch.reasons`, int, shape ``(N,)``.
        state: The state from which reward and observation were computed.
        reference: The reference with which the state was compared.
    """

    observation: np.ndarray
    reward: np.ndarray
    terms: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    reason: np.ndarray
    state: BodyState
    reference: ReferenceFrame


class MimicBatch:
    """N simulations of one walker and one reference motion. If an episode ends, the caller must reset its simulation.

    Args:
        walker: The walker, with the actuation that the configuration's actions need.
        reference: The motion.
        config: The MDP.
        count: Number of simulations N.
        threads: Threads of the physics; any number gives the same bits.
        training: Whether the terminations with `training_only` end an episode. Pass False for an evaluation.
        simulation: A replacement for MuJoCo's batch, for tests.

    Raises:
        ConfigError: The control rate does not divide the physics rate.

    Attributes:
        generators: One random generator per simulation. A reset draws the start phase from it.
        steps: Steps since each row's reset, int, shape ``(N,)``.
        phase: Phase of the reference, from 0 to 1, shape ``(N,)``.
        observation: Computes the observation, and describes each of its numbers.
        reward_names: Names of the reward's terms that are on, length K.
        reasons: Names of the reasons for the end of an episode. The index of a name is its code.
        control_dt: Length of a control step [s].
    """

    def __init__(
        self,
        walker: Walker,
        reference: ReferenceTrajectory,
        config: TaskConfig,
        count: int,
        *,
        threads: int = 1,
        training: bool = True,
        simulation: BatchSimulation | None = None,
    ) -> None:
        self.walker, self.reference, self.config, self.count = walker, reference, config, count
        self._threads, self._training = threads, training
        self.substeps = substeps(config.control_hz, walker.model.opt.timestep)
        self.control_dt = 1.0 / config.control_hz
        self.max_steps = max(1, round(config.episode_seconds * config.control_hz))
        self.observation = Observation(config.observations.active(), walker)
        self._mirroring = mirroring.methods()[config.mirroring]
        self.generators = [seeding.generator(seed) for seed in seeding.environment_seeds(0, count)]
        self.simulation = simulation or BatchSimulation(walker.simulation_model, count, threads)
        self.steps = np.zeros(count, np.int64)
        self.phase = np.zeros(count)
        self._start_phase = np.zeros(count)
        self._action = np.zeros((count, len(walker.joint_names)))
        self._rewards = config.rewards.active()
        self.reward_names = tuple(term.name() for term in self._rewards)
        self.reasons = terminations.reasons(config.terminations)
        self._terminations = [
            (self.reasons.index(term.name()), term)
            for term in config.terminations.active()
            if training or not term.training_only
        ]

    def seed(self, seeds: list[int]) -> None:
        """Give each simulation a fresh generator."""
        self.generators = [seeding.generator(seed) for seed in seeds]

    def reset(self, ids: np.ndarray | None = None, phase: Array | Sequence[float | None] | None = None) -> np.ndarray:
        """Start simulations in a state of the reference.

        Args:
            ids: Sorted indices of the simulations, or None for all.
            phase: The start phase of each simulation. None instead of a phase draws it at random, from the generator of
                the simulation. None instead of the whole list draws all phases.

        Returns:
            Observations of the reset simulations, shape ``(len(ids), D)``.
        """
        ids = np.arange(self.count) if ids is None else ids
        asked = [None] * len(ids) if phase is None else phase
        phase = np.array(
            [draw_phase(self.generators[i]) if start is None else start for i, start in zip(ids, asked, strict=True)]
        )
        frame = self.reference.at_phase(phase)
        qpos, qvel = reference_state(self.walker, frame)
        self.simulation.reset(ids, qpos, qvel)
        self.steps[ids] = 0
        self._start_phase[ids] = self.phase[ids] = phase
        self._action[ids] = 0.0
        state = measure(self.walker, phase, qpos, qvel, self.simulation.sites(qpos))
        return self._observe(self._view(state, frame, self._action[ids]))

    def step(self, actions: np.ndarray, ids: np.ndarray | None = None) -> StepResult:
        """Advance by one control step.

        Controls, reward and terminations all refer to the reference at the end of the step. The controls set
        where the joints should be at the end of the step. Reward and terminations judge where they are then.

        Args:
            actions: Shape ``(N, J)``; clipped to [-1, 1]. If a row is not finite, its episode ends as diverged.
            ids: Sorted indices of the simulations to step, or None for all. The other simulations do not move. Their
                rows in the result have no meaning.
        """
        actions = np.asarray(actions, np.float64)
        broken = ~np.logical_and.reduce(np.isfinite(actions), axis=1)
        actions = np.minimum(np.maximum(actions, -1.0), 1.0)
        np.copyto(actions, 0.0, where=broken[:, None])
        mirror_image = functools.partial(self.config.action.mirror, walker=self.walker)
        self._action = actions = self._mirroring.before_step(actions, self.phase, mirror_image)
        self.steps[slice(None) if ids is None else ids] += 1
        cycles = self._start_phase + self.steps * (self.control_dt / self.reference.duration_s)
        self.phase = cycles - np.floor(cycles)
        frame = self.reference.at_phase(self.phase)
        self.simulation.ctrl[:] = self.config.action.controls(actions, self.walker, frame)
        broken[self.simulation.step(self.substeps, ids)] = True
        state = self.body_state()
        with np.errstate(invalid="ignore", over="ignore"):  # NaN of simulations that diverged
            view = self._view(state, frame, actions)
            broken |= terminations.diverged(self.simulation.qpos, self.simulation.qvel)
            reward, terms = rewards.total(self._rewards, view, broken)
            reason = terminations.reason(self._terminations, view, self.steps >= self.max_steps, broken)
            observation = self._observe(view)
        return StepResult(observation, reward, terms, reason > TIME, reason == TIME, reason, state, frame)

    def get_state(self) -> dict[str, np.ndarray]:
        """Return the complete state, on which all later steps depend, as arrays of N rows."""
        return {
            "simulation": self.simulation.state.copy(),
            "steps": self.steps.copy(),
            "phase": self.phase.copy(),
            "start_phase": self._start_phase.copy(),
            "action": self._action.copy(),
            "generators": np.stack([seeding.generator_state(generator) for generator in self.generators]),
        }

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Restore a state that `get_state` returned. The simulations then continue with the same bits."""
        self.simulation.state[:] = state["simulation"]
        self.steps[:] = state["steps"]
        self.phase = state["phase"].copy()
        self._start_phase[:] = state["start_phase"]
        self._action = state["action"].copy()
        for generator, row in zip(self.generators, state["generators"], strict=True):
            seeding.set_generator_state(generator, row)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy or pickle the arguments of the batch and its state: MuJoCo's memory cannot be copied or pickled."""
        if type(self.simulation) is not BatchSimulation:
            raise TypeError(f"only MuJoCo's batch can be copied, got {type(self.simulation).__name__}")
        made_again = functools.partial(
            MimicBatch,
            self.walker,
            self.reference,
            self.config,
            self.count,
            threads=self._threads,
            training=self._training,
        )
        return made_again, (), self.get_state()

    __setstate__ = set_state

    def body_state(self) -> BodyState:
        """Return the state of all simulations as it is after a step."""
        simulation = self.simulation
        with np.errstate(invalid="ignore", over="ignore"):  # NaN of simulations that diverged
            return measure(self.walker, self.phase, simulation.qpos, simulation.qvel, simulation.site_xpos)

    def _view(self, state: BodyState, frame: ReferenceFrame, action: Array) -> View:
        return View(self.walker, self.reference, state, frame, tracking_error(state, frame), action)

    def _observe(self, view: View) -> np.ndarray:
        values = self.observation.compute(view)
        return self._mirroring.after_observing(values, view.state.phase, self.observation.mirror)


def substeps(control_hz: int, timestep_s: float) -> int:
    """Return the number of physics steps in one control step.

    Raises:
        ConfigError: The control rate does not divide the physics rate.
    """
    exact = 1.0 / (control_hz * timestep_s)
    if abs(exact - round(exact)) > 1e-6 or round(exact) < 1:
        physics_hz = round(1 / timestep_s)
        near = min((hz for hz in range(1, physics_hz + 1) if physics_hz % hz == 0), key=lambda hz: abs(hz - control_hz))
        raise ConfigError(
            "the control rate must divide the physics rate",
            where="mdp.control_hz",
            got=f"{control_hz} Hz of {physics_hz} Hz",
            expected=f"a divisor; the nearest is {near} Hz",
            fix="or change mdp.physics_hz",
        )
    return round(exact)
