"""The plain view: a Gymnasium environment, a batch of one simulation."""

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
    """Return the phase at which the options of a reset ask to start, or None where the phase is to be drawn.

    Raises:
        ConfigError: There is no such option, or the phase is no finite number.
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
        ValueError: The batch holds more than one simulation.
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
            options: ``{"phase": 0.25}`` starts at that share of the cycle.

        Raises:
            ConfigError: See `start_phase`.
        """
        super().reset(seed=seed)
        self.batch.generators[0] = self.np_random
        observation = self.batch.reset(phase=[start_phase(options)])[0]
        self._episodes.start(np.arange(1))
        return observation, {"phase": float(self.batch.phase[0])}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by one control step; `info` tells of the episode at its end."""
        step = self.batch.step(np.asarray(action)[None])
        self._episodes.add(step)
        terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
        info = self._episodes.info(0, step) if terminated or truncated else {}
        return step.observation[0], float(step.reward[0]), terminated, truncated, info

    def get_state(self) -> dict[str, np.ndarray]:
        """Return everything that decides the environment's future, as arrays with one row per simulation."""
        return self._episodes.get_state()

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of `get_state`, bitwise."""
        self._episodes.set_state(state)
        self.np_random = self.batch.generators[0]  # the next reset draws from it

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle needs to go on; the renderer is left out, and a copy makes its own."""
        return {"batch": self.batch, "render_mode": self.render_mode, "state": self.get_state(), "spec": self.spec}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the environment from what `__getstate__` returned."""
        MimicEnv.__init__(self, state["batch"], state["render_mode"])
        self.spec = state["spec"]
        self.set_state(state["state"])

    def render(self) -> np.ndarray | None:  # type: ignore[override]  # one mode, one type
        """Return a picture, uint8, shape ``(480, 640, 3)``, in render mode ``rgb_array``."""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            from mimicrl.rendering.frames import FrameRenderer  # OpenGL only where it is asked for

            self._renderer = FrameRenderer(self.batch.walker.model)
        return self._renderer.frame(self.batch.simulation.qpos[0])

    def close(self) -> None:
        """Release the renderer."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None
