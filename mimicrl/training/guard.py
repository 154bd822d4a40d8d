"""The divergence guard: nothing that is not finite reaches the normaliser or the weights."""

from __future__ import annotations

import numpy as np
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from mimicrl.errors import TrainingDiverged


class FiniteGuard(VecEnvWrapper):
    """Stands between the environments and the normaliser and stops training at the first bad number."""

    def reset(self) -> VecEnvObs:
        """Reset the environments."""
        return self.venv.reset()

    def step_async(self, actions: np.ndarray) -> None:
        """Pass the actions on.

        Raises:
            TrainingDiverged: An action is not finite.
        """
        _refuse(actions, "an action")
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Return the step.

        Raises:
            TrainingDiverged: An observation or a reward is not finite.
        """
        observations, rewards, dones, infos = self.venv.step_wait()
        _refuse(np.asarray(observations), "an observation")
        _refuse(rewards, "a reward")
        return observations, rewards, dones, infos


def _refuse(values: np.ndarray, what: str) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        environment, *rest = (int(number) for number in bad[0])
        number = f", number {rest[0]}" if rest else ""
        raise TrainingDiverged(
            f"{what} is not finite",
            where=f"environment {environment}{number}",
            got=values[tuple(bad[0])],
            fix="lower the learning rate or the clip range",
        )
