"""What a protocol is: how many episodes an evaluation has, where they start, and how long they last."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from mimicrl.schema import Positive, Section

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array


class Protocol(Section):
    """The parameters of an evaluation of the deterministic policy."""

    episodes: Annotated[int, Field(ge=2, le=1000)] = 20
    """Number of episodes, each with a start of its own."""
    seconds: Positive = 20.0
    """Length of an episode [s]."""
    stable_distance_m: Positive = 15.0
    """Net way forward that makes an episode stable [m]; 80 % of the reference's way where that is less."""

    @abstractmethod
    def start_phases(self, *, shifted: bool = False) -> Array:
        """Return where in the cycle each episode starts, shape ``(episodes,)``.

        Args:
            shifted: Return the second set of starts. Evaluations in the course of a training alternate between two.
        """
