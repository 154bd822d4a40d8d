"""The Markov decision process as a table: what the policy sees, does, is rewarded for, and what ends an episode."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mimicrl.schema import Count, NonNegative, Positive, Section, Share

ObservationName = Literal[
    "phase",
    "root_height",
    "root_tilt",
    "line_deviation",
    "joint_angles",
    "root_velocity",
    "root_angular_velocity",
    "joint_velocities",
    "velocity_command",
]


class PoseKernelConfig(Section):
    """Root orientation and joint angles."""

    weight: Share = 0.45
    """Largest value of the term."""
    scale: Positive = 3.0
    """Steepness [1/rad²]."""


class VelocityKernelConfig(Section):
    """Root turning and joint velocities."""

    weight: Share = 0.10
    """Largest value of the term."""
    scale: Positive = 0.02
    """Steepness [s²/rad²]."""


class EndEffectorKernelConfig(Section):
    """Heels and balls of the feet relative to the root."""

    weight: Share = 0.15
    """Largest value of the term."""
    scale: Positive = 10.0
    """Steepness [1/m²]."""


class RootKernelConfig(Section):
    """The root's reward term, weight · exp(−Σ scale · squared error)."""

    weight: Share = 0.30
    """Largest value of the term."""
    height_scale: NonNegative = 10.0
    """Steepness in the error of height [1/m²]."""
    velocity_scale: NonNegative = 4.0
    """Steepness in the error of horizontal velocity [s²/m²]."""
    lateral_scale: NonNegative = 4.0
    """Steepness in the deviation from the reference's line [1/m²]."""


class RewardsConfig(Section):
    """The imitation reward, a sum of four terms whose weights add up to 1."""

    pose: PoseKernelConfig = PoseKernelConfig()
    """Root orientation and joint angles."""
    velocity: VelocityKernelConfig = VelocityKernelConfig()
    """Root turning and joint velocities."""
    end_effector: EndEffectorKernelConfig = EndEffectorKernelConfig()
    """Heels and balls of the feet relative to the root."""
    root: RootKernelConfig = RootKernelConfig()
    """Root height, horizontal velocity and deviation from the line."""

    @model_validator(mode="after")
    def _weights_add_up(self) -> RewardsConfig:
        total = self.pose.weight + self.velocity.weight + self.end_effector.weight + self.root.weight
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the weights of the reward terms must add up to 1, got {total:g}")
        return self


class TerminationConfig(Section):
    """What ends an episode early."""

    fall_height_share: Share = 0.75
    """A fall: the root is lower than this share of the reference's mean height."""
    fall_tilt_rad: Positive = 0.8
    """A fall: the trunk leans further than this from the vertical [rad]."""
    tracking_rotation_rad: Positive | None = 0.4
    """Lost track, in training only: the root's orientation is further than this from the reference's [rad]."""
    tracking_lateral_m: Positive | None = None
    """Lost track, in training only: the root is further than this beside the reference [m]."""


class MimicConfig(Section):
    """The Markov decision process: what the policy sees, does and is rewarded for."""

    control_hz: Count = 50
    """Control steps a second; must divide the physics rate."""
    physics_hz: Count | None = None
    """Physics steps a second; by default those of the walker's file, 400 for walker3d."""
    episode_seconds: Positive = 10.0
    """Time limit of a training episode [s]; running into it is a truncation."""
    action: Literal["residual", "absolute", "torque"] = "residual"
    """PD targets around the reference, PD targets over the joints' range, or torques."""
    action_scale_rad: Positive = 0.3
    """Residual actions: how far action 1 moves the target from the reference [rad]."""
    mirroring: Literal["phase", "none"] = "phase"
    """PHASE: in the second half of the cycle the policy sees and moves a mirrored world (Abdolhosseini 2019)."""
    observations: Annotated[tuple[ObservationName, ...], Field(min_length=1)] = (
        "phase",
        "root_height",
        "root_tilt",
        "line_deviation",
        "joint_angles",
        "root_velocity",
        "root_angular_velocity",
        "joint_velocities",
    )
    """What the policy sees, in this order."""
    rewards: RewardsConfig = RewardsConfig()
    """The imitation reward."""
    termination: TerminationConfig = TerminationConfig()
    """Early termination."""

    @model_validator(mode="after")
    def _observations_differ(self) -> MimicConfig:
        if len(set(self.observations)) != len(self.observations):
            raise ValueError("an observation is listed twice")
        return self
