"""The environment's documentation, from its code: ``python -m mimicrl.envs.page docs/environment.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from mimicrl.envs import environment_id
from mimicrl.envs.task import Task
from mimicrl.mdp.config import MDPConfig

_TEXT = """\
# The environment

`gymnasium.make("mimicrl.envs:{id}")`; `make format` makes this page from the code; do not edit it.

An episode starts anywhere in the reference motion (reference state initialization). The lowest point of the feet is on
the floor. The policy gets an observation and sets an action at {control_hz} Hz. The physics runs at {physics_hz} Hz.
An episode is truncated after {seconds:g} s. (In an evaluation, episodes last 20 s by default.)

## Observation

Walker `{walker}`. Numbers are clipped to their bounds and rounded once to float32. Two numbers describe place and
heading: the offset from the line, and the heading relative to the line. The line is the world's x axis. All other
numbers do not depend on where the walker is or in which direction it faces. Velocities are in the heading frame: z
points up, and x points in the direction that the root faces. With PHASE mirroring, the observation is mirrored while
the phase is in the second half of the cycle.

{observation}

The observation consists of the terms of `mdp.observations`, in this order. A term that is not enabled is left out.

{observation_terms}

## Action

{action}

## Reward

The reward is at most 1. A walker that moves exactly like the reference gets 1, if no penalty is enabled. The weights of
the imitation terms add up to 1. `mimicrl/mdp/rewards.py` cites the source of each term.

{rewards}

## Termination

If several conditions hold, a divergence of the physics is the reason. Otherwise the first condition in this table is
the reason. The time limit comes last.

{terminations}

At the last step of an episode, `info` has `mimic` (`reason`: why the episode ended; `reward`: the mean of each reward
term) and `TimeLimit.truncated`. If the physics diverged, `info` also has `trace`, the last configurations.
"""


def environment_page() -> str:
    """Return the page on the default environment as Markdown."""
    config = MDPConfig()
    task = Task.of_gait(config=config)
    action, joints = config.action, task.walker.joint_names
    return _TEXT.format(
        id=environment_id(task.walker.name),
        walker=task.walker.name,
        control_hz=config.control_hz,
        physics_hz=round(1 / task.walker.model.opt.timestep),
        seconds=config.episode_seconds,
        observation=_table(
            ("Num", "meaning", "unit", "joint", "min", "max"),
            (
                (number, row.meaning, row.unit, row.joint or "–", f"{row.low:.2f}", f"{row.high:.2f}")
                for number, row in enumerate(task.batch(1).observation.rows)
            ),
        ),
        observation_terms=_table(
            ("term", "enabled", "what it is"),
            ((term.name(), "yes" if term.enabled else "no", term.summary()) for term in config.observations.all()),
        ),
        action=_table(
            ("Num", "meaning", "unit of the control", "joint", "min", "max"),
            ((number, action.meaning(), action.unit, name, -1, 1) for number, name in enumerate(joints)),
        ),
        rewards=_table(
            ("term", "weight", "kernel", "what it is"),
            (
                (term.name(), f"{term.weight:g}", term.formula.format(**term.model_dump()), term.summary())
                for term in config.rewards.all()
            ),
        ),
        terminations=_table(
            ("reason", "ends an episode when", "in"),
            (
                (term.name(), term.meaning(), "training only" if term.training_only else "training and evaluation")
                for term in config.terminations.all()
            ),
        ),
    )


def _table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(headings), *rows]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def main() -> None:
    """Write the page to the file named on the command line."""
    Path(sys.argv[1]).write_text(environment_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
