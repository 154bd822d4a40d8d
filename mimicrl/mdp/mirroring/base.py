"""What a mirroring method is: a class with two hooks, which the step of the task calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mimicrl.geometry.rotations import Array

    Image = Callable[[Array], Array]
    """Returns the mirror images of rows of actions, or of observations."""


class Mirroring:
    """A mirroring method. Its hooks change nothing; derive from it and override those that the method needs.

    A method acts between policy and task only: rewards and terminations always see the real world.
    """

    def before_step(self, actions: Array, phase: Array, image: Image) -> Array:
        """Return the actions that the walkers take.

        Args:
            actions: The policy's actions, shape ``(N, J)``.
            phase: Share of the cycle in [0, 1) at which the policy saw its observations, shape ``(N,)``.
            image: Returns the actions that do the same in the mirrored world.
        """
        return actions

    def after_observing(self, observations: Array, phase: Array, image: Image) -> Array:
        """Return the observations that the policy sees.

        Args:
            observations: Of the real world, float32, shape ``(N, D)``.
            phase: Share of the cycle in [0, 1) at which they were made, shape ``(N,)``.
            image: Returns the observations of the mirrored world half a cycle later.
        """
        return observations
