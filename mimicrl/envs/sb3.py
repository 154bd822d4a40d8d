"""The fast view: a Stable-Baselines3 ``VecEnv`` over one batch of N simulations."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from mimicrl import seeding
from mimicrl.envs.episode_statistics import EpisodeStatistics
from mimicrl.envs.gymnasium import action_space, observation_space, start_phase
from mimicrl.mdp.step import MimicBatch


class MimicVecEnv(VecEnv):
    """N environments in one batch. Rows that end are reset at once, as Stable-Baselines3 expects.

    Gives the same bits as ``DummyVecEnv`` or ``SubprocVecEnv`` over N `MimicEnv` with the same seeds.

    Args:
        batch: The simulations.
    """

    def __init__(self, batch: MimicBatch) -> None:
        self.batch = batch
        self.render_mode = None
        self.metadata = {"render_modes": []}
        self._episodes = EpisodeStatistics(batch)
        self._actions = np.zeros((batch.count, len(batch.walker.joint_names)), np.float32)
        super().__init__(batch.count, observation_space(batch), action_space(batch))

    def reset(self) -> VecEnvObs:
        """Start all simulations, with what was given to `seed` and `set_options` since the last reset."""
        for index, seed in enumerate(self._seeds):
            if seed is not None:
                self.batch.generators[index] = seeding.generator(seed)
        phases = [start_phase(options) for options in self._options]
        self._reset_seeds()
        self._reset_options()
        self._episodes.start(np.arange(self.num_envs))
        return self.batch.reset(phase=phases)

    def step_async(self, actions: np.ndarray) -> None:
        """Take the actions, shape ``(N, J)``, for the next `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Step all simulations; reset those that ended."""
        step = self.batch.step(self._actions)
        observation = step.observation
        done = step.terminated | step.truncated
        self._episodes.add(step)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        ended = np.flatnonzero(done)
        if len(ended):
            for index in ended:
                # `MimicEnv` leaves this key to the wrappers that count episodes; here no Monitor can add it.
                infos[index] = self._episodes.info(int(index), step) | {
                    "episode": self._episodes.statistics(int(index))
                }
                infos[index]["terminal_observation"] = observation[index].copy()
            observation[ended] = self.batch.reset(ended)
            self._episodes.start(ended)
        return observation, step.reward, done, infos

    def get_state(self) -> dict[str, np.ndarray]:
        """Return everything that decides the environment's future, as arrays with one row per simulation."""
        return self._episodes.get_state()

    def set_state(self, state: dict[str, np.ndarray]) -> None:
        """Continue from a state of `get_state`, bitwise."""
        self._episodes.set_state(state)

    def close(self) -> None:
        """Do nothing: the simulations hold no processes and no files."""

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of this object for each environment asked for."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of this object, which all environments share."""
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of this object once for each environment asked for."""
        return [getattr(self, method_name)(*method_args, **method_kwargs) for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """Return that no environment is wrapped."""
        return [False for _ in self._get_indices(indices)]
