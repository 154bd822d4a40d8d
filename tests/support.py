"""What tests share besides fixtures."""

from __future__ import annotations

from typing import Any, NamedTuple

# An experiment that trains within a second.
TINY: dict[str, Any] = {
    "training": {
        "total_timesteps": 128,
        "n_envs": 4,
        "n_steps": 32,
        "minibatch": 64,
        "actor": [16, 16],
        "critic": [16, 16],
        "checkpoint_interval": 128,
    },
    "evaluation": {"interval": 128, "episodes": 4, "seconds": 0.5},
    "logging": {"tensorboard": False},
}


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line of the error stream."""
        return self.err.rstrip("\n").splitlines()[-1]
