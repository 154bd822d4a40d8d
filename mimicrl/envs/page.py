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

`gymnasium.make("mimicrl.envs:{id}")`; made from the code by `make format`, do not edit.

An episode starts anywhere in the reference motion (reference state initialization) with the lowest foot point on the
floor. At {control_hz} Hz the policy sees the observation and sets the action; the physics runs at {physics_hz} Hz.
After {seconds:g} s an episode is truncated.

## Observation

Walker `{walker}`. Numbers are clipped to their bounds and rounded once to float32. Only the deviation from the line,
the world's x axis, tells place or heading; everything else is the same wherever the walker is and whichever way it
faces. Velocities are in the heading frame: upright, x where the root faces. With PHASE mirroring, numbers are those
of the mirrored world while the phase is in its second half.

{observation}

Terms of `mdp.observations`, in this order; one that is not enabled is left out.

{observation_terms}

## Action

{action}

## Reward

At most 1, reached by the reference itself. The weights of the imitation terms add up to 1; `mimicrl/mdp/rewards.py`
cites the source of each.

{rewards}

## Termination

The first that holds, after a divergence of the physics, names the reason.

{terminations}

`info` of an episode's last step has `episode` (`r`, `l`, `t`) and `mimic` (why it ended, the mean of each reward term).
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
