"""A task combines a walker, a reference and an MDP. Environments are made from a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimicrl.config import RunConfig
from mimicrl.envs.gymnasium import MimicEnv
from mimicrl.errors import MotionError
from mimicrl.mdp.config import MDPConfig, TaskConfig
from mimicrl.mdp.step import MimicBatch, substeps
from mimicrl.motions import MotionClip, ReferenceTrajectory, formats, gait, plausibility
from mimicrl.runs import Run
from mimicrl.walkers import library
from mimicrl.walkers.library import WalkerFiles
from mimicrl.walkers.walker import Walker


@dataclass(frozen=True, eq=False)
class Task:
    """The walker, the motion that it imitates, and the MDP with the reward.

    Attributes:
        walker: The walker. Its actuators fit the actions of the MDP.
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
        walker = walker_for(config.mdp, library.read(run.walker_directory, config.walker.name))
        return cls(walker, ReferenceTrajectory(MotionClip.load(run.motion_file), walker), config.mdp)

    @classmethod
    def of_config(cls, config: RunConfig, base: Path) -> Task:
        """Return the task that a configuration describes, after checking that its motion can be imitated.

        Args:
            config: The resolved configuration.
            base: File paths in the configuration are relative to this folder.

        Raises:
            ConfigError: The control rate does not divide the walker's physics rate.
            MotionError: The motion cannot be used.
            WalkerError: The walker cannot be used.
        """
        named, source = config.walker, config.motion
        files = library.bundled(named.name) if named.file is None else library.read(base / named.file, named.name)
        walker = walker_for(config.mdp, files)
        substeps(config.mdp.control_hz, walker.model.opt.timestep)
        if source.file is not None:
            clip = formats.read(base / source.file, walker)
        else:
            clip = gait.generate(walker, source.speed_mps or 0.0)
        if clip.loop != "wrap":
            raise MotionError(
                "the motion does not repeat, and walking must",
                where=clip.name,
                got=f"loop mode {clip.loop}",
                fix="cut the clip at whole cycles and set its loop mode to wrap",
            )
        reference = ReferenceTrajectory(clip, walker)
        plausibility.refuse_implausible(plausibility.assess(reference, walker))
        return cls(walker, reference, config.mdp)

    @classmethod
    def of_gait(
        cls,
        speed_mps: float = gait.DEFAULT_SPEED_MPS,
        config: TaskConfig | None = None,
        walker_name: str = library.DEFAULT,
    ) -> Task:
        """Return the task of a bundled walker and a generated walk at `speed_mps`."""
        config = config or MDPConfig()
        walker = walker_for(config, library.bundled(walker_name))
        return cls(walker, ReferenceTrajectory(gait.generate(walker, speed_mps), walker), config)

    def batch(self, count: int, threads: int = 1) -> MimicBatch:
        """Return `count` simulations for training."""
        return MimicBatch(self.walker, self.reference, self.config, count, threads=threads)

    def evaluation_batch(self, count: int, seconds: float, threads: int = 1) -> MimicBatch:
        """Return simulations for an evaluation.

        An episode ends only by a fall, by divergence or after `seconds`.
        """
        config = self.config.model_copy(update={"episode_seconds": seconds})
        return MimicBatch(self.walker, self.reference, config, count, threads=threads, training=False)

    def env(self, render_mode: str | None = None) -> MimicEnv:
        """Return a Gymnasium environment."""
        return MimicEnv(self.batch(1), render_mode)


def walker_for(config: TaskConfig, files: WalkerFiles) -> Walker:
    """Compile a walker with the actuators and the physics rate that the MDP needs.

    Raises:
        WalkerError: The files do not describe a valid walker.
    """
    return Walker.from_xml(
        files.xml,
        files.metadata,
        name=files.name,
        actuation=config.action.actuation,
        physics_hz=config.physics_hz,
    )


def make_env(
    speed_mps: float = gait.DEFAULT_SPEED_MPS,
    render_mode: str | None = None,
    walker: str = library.DEFAULT,
    **mdp: Any,
) -> MimicEnv:
    """Return a registered environment, such as ``mimicrl/Walker3D-v0``.

    Args:
        speed_mps: Speed of the generated walk [m/s].
        render_mode: None or ``rgb_array``.
        walker: Name of a bundled walker. The registered environments set it.
        **mdp: Fields of `mimicrl.config.MDPConfig`.
    """
    return Task.of_gait(speed_mps, MDPConfig(**mdp), walker).env(render_mode)
