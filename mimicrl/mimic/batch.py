"""The task: N walkers imitate one reference, stepped together. Every view of the environment is a view of this."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mimicrl import seeding
from mimicrl.config import MimicConfig
from mimicrl.errors import ConfigError
from mimicrl.mimic import initialization, mirroring, rewards, terminations
from mimicrl.mimic.actions import action_function
from mimicrl.mimic.deviation import compare
from mimicrl.mimic.observations import Observation
from mimicrl.mimic.simulation import BatchSimulation
from mimicrl.mimic.state import BodyState, measure
from mimicrl.mimic.terminations import DIVERGED, FALL, RUNNING, TIME, TRACKING
from mimicrl.motions.reference import ReferenceFrame, ReferenceTrajectory
from mimicrl.rotations import Array
from mimicrl.walkers.walker import Walker


class Transition(NamedTuple):
    """What one step of N simulations gave.

    Attributes:
        observation: Of the new state, float32, shape ``(N, D)``.
        reward: float32, shape ``(N,)``.
        terms: The reward's terms in the order of `mimicrl.mimic.rewards.TERMS`, float32, shape ``(N, 4)``.
        terminated: bool, shape ``(N,)``.
        truncated: bool, shape ``(N,)``.
        reason: A `mimicrl.mimic.terminations.Reason` for each row, int, shape ``(N,)``.
        state: What reward and observation were computed from.
        reference: What they were compared with.
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
    """N simulations of one walker and one reference motion. Rows that end are reset by the caller.

    Args:
        walker: The walker, with the actuation that the configuration's actions need.
        reference: The motion.
        config: The MDP.
        count: Number of simulations N.
        threads: Threads of the physics; any number gives the same bits.
        tracking: Whether losing track of the reference ends an episode; not so in evaluation.
        simulation: Another engine than MuJoCo's batch, for tests.

    Raises:
        ConfigError: The control rate does not divide the physics rate.

    Attributes:
        generators: One random generator a simulation; a reset draws its phase from it.
        steps: Steps since each row's reset, int, shape ``(N,)``.
        phase: Share of the cycle, shape ``(N,)``.
        observation: Describes the observation space.
        control_dt: Length of a control step [s].
    """

    def __init__(
        self,
        walker: Walker,
        reference: ReferenceTrajectory,
        config: MimicConfig,
        count: int,
        *,
        threads: int = 1,
        tracking: bool = True,
        simulation: BatchSimulation | None = None,
    ) -> None:
        self.walker, self.reference, self.config, self.count = walker, reference, config, count
        self.substeps = substeps(config.control_hz, walker.model.opt.timestep)
        self.control_dt = 1.0 / config.control_hz
        self.max_steps = max(1, round(config.episode_seconds * config.control_hz))
        self.observation = Observation(config.observations, walker, reference.speed_mps)
        self.generators = [seeding.generator(seed) for seed in seeding.environment_seeds(0, count)]
        self.simulation = simulation or BatchSimulation(walker.physics, count, threads)
        self.steps = np.zeros(count, np.int64)
        self.phase = np.zeros(count)
        self._start_phase = np.zeros(count)
        self._tracking = tracking
        self._control = action_function(config, walker)
        heights = reference.at_phase(np.linspace(0, 1, 200)).root_position_w[:, 2]
        self._reference_height_m = float(heights.mean())

    def seed(self, seeds: list[int]) -> None:
        """Give each simulation a fresh generator."""
        self.generators = [seeding.generator(seed) for seed in seeds]

    def reset(self, ids: np.ndarray | None = None, phase: np.ndarray | None = None) -> np.ndarray:
        """Start simulations in a state of the reference.

        Args:
            ids: Sorted indices of the simulations, or None for all.
            phase: Where in the cycle each one starts; by default drawn from its generator.

        Returns:
            Observations of the reset simulations, shape ``(len(ids), D)``.
        """
        ids = np.arange(self.count) if ids is None else ids
        if phase is None:
            phase = np.array([initialization.draw_phase(self.generators[i]) for i in ids])
        qpos, qvel = initialization.reference_state(self.walker, self.reference, phase)
        self.simulation.reset(ids, qpos, qvel)
        self.steps[ids] = 0
        self._start_phase[ids] = self.phase[ids] = phase
        # No observation depends on the feet, whose positions only the next step computes.
        state = measure(self.walker, phase, qpos, qvel, np.zeros((len(ids), self.walker.model.nsite, 3)))
        return self._observe(state)

    def step(self, actions: np.ndarray, ids: np.ndarray | None = None) -> Transition:
        """Advance by one control step.

        Controls, reward and end all refer to the reference at the end of the step: where the joints should get to,
        and whether they did.

        Args:
            actions: Shape ``(N, J)``; clipped to [-1, 1]. A row that is not finite ends as diverged.
            ids: Sorted indices of the simulations to step; the others keep still and their rows mean nothing.
        """
        actions = np.asarray(actions, np.float64)
        broken = ~np.logical_and.reduce(np.isfinite(actions), axis=1)
        actions = np.minimum(np.maximum(actions, -1.0), 1.0)
        np.copyto(actions, 0.0, where=broken[:, None])
        if self.config.mirroring == "phase":
            actions = mirroring.mirror_actions(self.walker, actions, mirroring.second_half(self.phase))
        self.steps[slice(None) if ids is None else ids] += 1
        cycles = self._cycles()
        self.phase = cycles - np.floor(cycles)
        frame = self.reference.at_phase(self.phase)
        self.simulation.ctrl[:] = self._control(actions, frame.joint_angles_rad)
        broken[self.simulation.step(self.substeps, ids)] = True
        return self._assess(frame, broken)

    def get_state(self) -> dict[str, np.ndarray]:
        """Return everything that decides the future of the simulations, as arrays of N rows."""
        return {
            "simulation": self.simulation.state.copy(),
            "steps": self.steps.copy(),
            "phase": self.phase.copy(),
            "start_phase": self._start_phase.copy(),
            "generators": np.stack([seeding.generator_state(generator) for generator in self.generators]),
        }

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of `get_state`, bitwise."""
        self.simulation.state[:] = state["simulation"]
        self.steps[:] = state["steps"]
        self.phase = state["phase"].copy()
        self._start_phase[:] = state["start_phase"]
        for generator, row in zip(self.generators, state["generators"], strict=True):
            seeding.set_generator_state(generator, row)

    def body_state(self) -> BodyState:
        """Return the state of all simulations as it is after a step."""
        simulation = self.simulation
        with np.errstate(invalid="ignore", over="ignore"):  # of simulations that diverged
            return measure(self.walker, self.phase, simulation.qpos, simulation.qvel, simulation.site_xpos)

    def _cycles(self) -> Array:
        """Return how many cycles each reference has gone through, its start included, shape ``(N,)``."""
        return self._start_phase + self.steps * (self.control_dt / self.reference.duration_s)

    def _assess(self, frame: ReferenceFrame, broken: np.ndarray) -> Transition:
        state = self.body_state()
        with np.errstate(invalid="ignore", over="ignore"):
            deviation = compare(state, frame)
            reward, terms = rewards.imitation(deviation, self.config.rewards)
            termination = self.config.termination
            reason = np.where(self.steps >= self.max_steps, TIME, RUNNING)
            if self._tracking:
                np.copyto(reason, TRACKING, where=terminations.lost_track(deviation, termination))
            np.copyto(reason, FALL, where=terminations.fallen(state, termination, self._reference_height_m))
            diverged = terminations.diverged(self.simulation.qpos, self.simulation.qvel)
            np.copyto(reason, DIVERGED, where=broken | diverged)
            observation = self._observe(state)
        return Transition(observation, reward, terms, reason > TIME, reason == TIME, reason, state, frame)

    def _observe(self, state: BodyState) -> np.ndarray:
        values = self.observation.compute(state)
        if self.config.mirroring == "phase":
            return mirroring.mirror_observations(self.observation, values, mirroring.second_half(state.phase))
        return values


def substeps(control_hz: int, timestep_s: float) -> int:
    """Return the physics steps in one control step.

    Raises:
        ConfigError: The control rate does not divide the physics rate.
    """
    exact = 1.0 / (control_hz * timestep_s)
    if abs(exact - round(exact)) > 1e-6 or round(exact) < 1:
        physics_hz = round(1 / timestep_s)
        near = min((hz for hz in range(1, physics_hz + 1) if physics_hz % hz == 0), key=lambda hz: abs(hz - control_hz))
        raise ConfigError(
            "the control rate must divide the physics rate",
            where="mimic.control_hz",
            got=f"{control_hz} Hz of {physics_hz} Hz",
            expected=f"a divisor; the nearest is {near} Hz",
            fix="or change mimic.physics_hz",
        )
    return round(exact)
