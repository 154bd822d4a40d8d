"""A task: walker, reference and MDP put together, and the environments made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mimicrl.envs.gymnasium import MimicEnv
from mimicrl.mdp.config import MDPConfig, TaskConfig
from mimicrl.mdp.step import MimicBatch
from mimicrl.motions import MotionClip, ReferenceTrajectory, gait
from mimicrl.runs import Run
from mimicrl.walkers import Walker, registry


@dataclass(frozen=True, eq=False)
class Task:
    """What is imitated by whom, and how that is judged.

    Attributes:
        walker: The walker with the actuation that the actions need.
        reference: The motion on that walker.
        config: The MDP.
    """

    walker: Walker
    reference: ReferenceTrajectory
    config: TaskConfig

    @classmethod
    def of_run(cls, run: Run) -> Task:
        """Load the task of a run from its directory."""
        config = run.config
        xml = run.walker_file.read_text(encoding="utf-8")
        walker = walker_for(config.mdp, xml, config.walker.name)
        return cls(walker, ReferenceTrajectory(MotionClip.load(run.motion_file), walker), config.mdp)

    @classmethod
    def of_gait(cls, speed_mps: float = 1.25, config: TaskConfig | None = None) -> Task:
        """Return the task of the bundled walker and a generated walk at `speed_mps`."""
        config = config or MDPConfig()
        walker = registry.load("walker3d", config.action.actuation, config.physics_hz)
        return cls(walker, ReferenceTrajectory(gait.generate(walker, speed_mps), walker), config)

    def batch(self, count: int, threads: int = 1) -> MimicBatch:
        """Return `count` simulations for training."""
        return MimicBatch(self.walker, self.reference, self.config, count, threads=threads)

    def evaluation_batch(self, count: int, seconds: float, threads: int = 1) -> MimicBatch:
        """Return simulations that only a fall, divergence or the end of `seconds` ends."""
        config = self.config.model_copy(update={"episode_seconds": seconds})
        return MimicBatch(self.walker, self.reference, config, count, threads=threads, training=False)

    def env(self, render_mode: str | None = None) -> MimicEnv:
        """Return a Gymnasium environment."""
        return MimicEnv(self.batch(1), render_mode)


def walker_for(config: TaskConfig, xml: str, name: str) -> Walker:
    """Compile a walker as an MDP needs it: its actuation, its physics rate.

    Raises:
        WalkerError: The text is no walker.
    """
    return Walker.from_xml(xml, name=name, actuation=config.action.actuation, physics_hz=config.physics_hz)


def make_env(speed_mps: float = 1.25, render_mode: str | None = None, **mdp: Any) -> MimicEnv:
    """Return the registered environment ``mimicrl/Walker3D-v0``.

    Args:
        speed_mps: Speed of the generated walk [m/s].
        render_mode: None or ``rgb_array``.
        **mdp: Fields of `mimicrl.config.MDPConfig`.
    """
    return Task.of_gait(speed_mps, MDPConfig(**mdp)).env(render_mode)
