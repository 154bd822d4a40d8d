"""The check for finite numbers: nothing that is not finite reaches the normaliser or the weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from mimicrl.errors import TrainingDiverged


class FiniteCheckWrapper(VecEnvWrapper):
    """Stands between the environments and the normaliser and stops training at the first bad number.

    Args:
        environments: The environments.
        names: What each number of an observation is.
        joints: The joint that each number of an action is for.
    """

    def __init__(self, environments: VecEnv, names: Sequence[str], joints: Sequence[str]) -> None:
        super().__init__(environments)
        self._names, self._joints = names, joints

    def reset(self) -> VecEnvObs:
        """Reset the environments."""
        return self.venv.reset()

    def step_async(self, actions: np.ndarray) -> None:
        """Pass the actions on.

        Raises:
            TrainingDiverged: An action is not finite.
        """
        _refuse(actions, "an action", self._joints)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Return the step.

        Raises:
            TrainingDiverged: An observation or a reward is not finite.
        """
        observations, rewards, dones, infos = self.venv.step_wait()
        _refuse(np.asarray(observations), "an observation", self._names)
        _refuse(rewards, "a reward")
        return observations, rewards, dones, infos


def _refuse(values: np.ndarray, what: str, names: Sequence[str] = ()) -> None:
    finite = np.isfinite(values)
    if finite.all():
        return
    first = np.argwhere(~finite)[0]
    environment, *rest = (int(number) for number in first)
    number = f", {names[rest[0]]}" if rest else ""
    raise TrainingDiverged(
        f"{what} is not finite",
        where=f"environment {environment}{number}",
        got=values[tuple(first)],
        fix="lower the learning rate or the clip range",
    )
