"""The environment's documentation, from its code: ``python -m mimicrl.mimic.document docs/environment.md``."""

from __future__ import annotations

import sys
from pathlib import Path

from mimicrl.config import MimicConfig
from mimicrl.mimic import actions
from mimicrl.mimic.task import Task

_TEXT = """\
# The environment

`gymnasium.make("mimicrl.envs:mimicrl/Walker3D-v0")`; made from the code by `make format`, do not edit.

An episode starts anywhere in the reference motion (reference state initialization) with the lowest foot point on the
floor. At {control_hz} Hz the policy sees the observation and sets the action; the physics runs at {physics_hz} Hz.
An episode ends when the walker falls (root below {fall_height:.0%} of the reference's mean height, or trunk more
than {fall_tilt:g} rad off the vertical), loses track of the reference (root more than {tracking:g} rad off; in
training only), or the physics diverges. After {seconds:g} s it is truncated.

## Observation

Walker `{walker}`. Numbers are clipped to their bounds and rounded once to float32. Only the deviation from the line,
the world's x axis, tells place or heading; everything else is the same wherever the walker is and whichever way it
faces. Velocities are in the heading frame: upright, x where the root faces. With PHASE mirroring, numbers are those
of the mirrored world while the phase is in its second half.

{observation}

## Action

{action}

## Reward

At most 1, reached by the reference itself; `mimicrl/mimic/rewards.py` cites each kernel's source.

| term | weight | kernel |
|---|---|---|
| pose | {pose.weight:g} | exp(−{pose.scale:g} (Σ joint angle error² + root rotation error²)) [rad] |
| velocity | {velocity.weight:g} | exp(−{velocity.scale:g} (Σ joint velocity error² + turning error²)) [rad/s] |
| end effector | {end_effector.weight:g} | exp(−{end_effector.scale:g} Σ heel and ball error²), from the root [m] |
| root | {root.weight:g} | exp(−{root.height_scale:g} height error² − {root.velocity_scale:g} velocity error² \
− {root.lateral_scale:g} lateral error²) [m, m/s] |

`info` of an episode's last step has `episode` (`r`, `l`, `t`) and `mimic` (why it ended, the mean of each term).
"""


def environment_page() -> str:
    """Return the page on the default environment as Markdown."""
    config = MimicConfig()
    task = Task.of_gait(config=config)
    batch = task.batch(1)
    return _TEXT.format(
        walker=task.walker.name,
        control_hz=config.control_hz,
        physics_hz=round(1 / task.walker.model.opt.timestep),
        fall_height=config.termination.fall_height_share,
        fall_tilt=config.termination.fall_tilt_rad,
        tracking=config.termination.tracking_rotation_rad,
        seconds=config.episode_seconds,
        observation=batch.observation.table(),
        action=actions.table(config, task.walker),
        pose=config.rewards.pose,
        velocity=config.rewards.velocity,
        end_effector=config.rewards.end_effector,
        root=config.rewards.root,
    )


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(environment_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
