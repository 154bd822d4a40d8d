"""The Gymnasium environment. Internally it is a batch with one simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from mimicrl.envs.episode_statistics import EpisodeStatistics
from mimicrl.errors import ConfigError
from mimicrl.mdp.step import MimicBatch

RENDER_MODES = ["rgb_array"]


def observation_space(batch: MimicBatch) -> spaces.Box:
    """Return the space of one environment's observations; `MimicBatch.observation` says what each number means."""
    return spaces.Box(batch.observation.low, batch.observation.high, dtype=np.float32)


def action_space(batch: MimicBatch) -> spaces.Box:
    """Return the space of one environment's actions: one number in [-1, 1] per joint."""
    return spaces.Box(-1.0, 1.0, (len(batch.walker.joint_names),), np.float32)


def start_phase(options: Mapping[str, Any] | None) -> float | None:
    """Return the start phase in the options of a reset, or None if the phase must be drawn at random.

    Raises:
        ConfigError: An option is unknown, or the phase is not a finite number.
    """
    unknown = set(options or ()) - {"phase"}
    if unknown:
        raise ConfigError("a reset has no such option", where=", ".join(map(repr, sorted(unknown))), expected="'phase'")
    if not options:
        return None
    phase = options["phase"]
    if isinstance(phase, bool) or not isinstance(phase, Real) or not math.isfinite(phase):
        raise ConfigError("a start is no phase", where="options['phase']", got=phase, expected="a share of the cycle")
    return float(phase) % 1.0


class MimicEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """One walker that imitates one motion.

    Args:
        batch: A batch of one simulation.
        render_mode: None or ``rgb_array``.

    Raises:
        ValueError: The batch has more than one simulation, or the render mode is unknown.
    """

    def __init__(self, batch: MimicBatch, render_mode: str | None = None) -> None:
        if batch.count != 1:
            raise ValueError(f"MimicEnv shows one simulation, got a batch of {batch.count}")
        if render_mode not in (None, *RENDER_MODES):
            raise ValueError(f"render_mode must be None or rgb_array, got {render_mode!r}")
        self.batch = batch
        self.render_mode = render_mode
        self.metadata = {"render_modes": RENDER_MODES, "render_fps": batch.config.control_hz}
        self.observation_space = observation_space(batch)
        self.action_space = action_space(batch)
        self._episodes = EpisodeStatistics(batch)
        self._renderer: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode at a random phase of the motion.

        Args:
            seed: Seed of the environment's generator.
            options: ``{"phase": 0.25}`` starts after a quarter of the gait cycle.

        Raises:
            ConfigError: See `start_phase`.
        """
        super().reset(seed=seed)
        self.batch.generators[0] = self.np_random
        observation = self.batch.reset(phase=[start_phase(options)])[0]
        self._episodes.start(np.arange(1))
        return observation, {"phase": float(self.batch.phase[0])}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by one control step. At the end of an episode, `info` describes the episode."""
        step = self.batch.step(np.asarray(action)[None])
        self._episodes.add(step)
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        info = self._episodes.info(0, step) if terminated or truncated else {}
        return step.observation[0], float(step.reward[0]), terminated, truncated, info

    def get_state(self) -> dict[str, np.ndarray]:
        """Return the complete state, on which all later steps depend, as arrays with one row per simulation."""
        return self._episodes.get_state()

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Restore a state that `get_state` returned. The environment then continues with the same bits."""
        self._episodes.set_state(state)
        self.np_random = self.batch.generators[0]  # the next reset uses this generator

    def __getstate__(self) -> dict[str, Any]:
        """Return the state that a copy or a pickle needs.

        The renderer is not part of it. A copy makes its own renderer.
        """
        return {"batch": self.batch, "render_mode": self.render_mode, "state": self.get_state(), "spec": self.spec}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the environment from what `__getstate__` returned."""
        MimicEnv.__init__(self, state["batch"], state["render_mode"])
        self.spec = state["spec"]
        self.set_state(state["state"])

    def render(self) -> np.ndarray | None:  # type: ignore[override]  # the only render mode has one type
        """Return a picture, uint8, shape ``(480, 640, 3)``, in render mode ``rgb_array``."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from mimicrl.rendering.frames import FrameRenderer  # OpenGL is imported only if needed

            self._renderer = FrameRenderer(self.batch.walker.model)
        return self._renderer.frame(self.batch.simulation.qpos[0])

    def close(self) -> None:
        """Release the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
