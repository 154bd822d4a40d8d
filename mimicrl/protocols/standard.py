"""The standard protocol: episodes that start evenly spread over the gait cycle, with nothing in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mimicrl.protocols.base import Protocol

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array


class Standard(Protocol):
    """Evaluation of the deterministic policy from evenly spread starts."""

    def start_phases(self, *, shifted: bool = False) -> Array:
        """Return evenly spread starts; shifted ones lie halfway between the others."""
        return (np.arange(self.episodes) + 0.5 * shifted) / self.episodes
