"""Try all terms before anything is trained: each must return finite numbers in rows of the right shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mimicrl.mdp.config import TaskConfig
from mimicrl.mdp.error import tracking_error
from mimicrl.mdp.reset import reference_state
from mimicrl.mdp.simulation import BatchSimulation
from mimicrl.mdp.state import measure
from mimicrl.mdp.terms import ObservationTerm, RewardTerm, Term, TerminationTerm, View
from mimicrl.motions.reference import ReferenceTrajectory
from mimicrl.walkers.walker import Walker

_ROWS = 3


class Fault(NamedTuple):
    """What is wrong with a term.

    Attributes:
        term: Its class.
        what: What it does wrong.
        got: What it returned.
        expected: What would have been right.
    """

    term: type[Term]
    what: str
    got: str
    expected: str


def first_fault(config: TaskConfig, walker: Walker, reference: ReferenceTrajectory) -> Fault | None:
    """Try the terms of a task on three walkers in states of the reference; return the first fault, or None.

    Args:
        config: The task.
        walker: The walker, with the actuation that the actions need.
        reference: The motion.
    """
    phase = np.arange(_ROWS) / _ROWS
    frame, joints = reference.at_phase(phase), np.full((_ROWS, len(walker.joint_names)), 0.1)
    for values in (config.action.controls(joints, walker, frame), config.action.mirror(joints, walker)):
        if fault := _fault(config.action, values, joints.shape):
            return fault
    # A step of the task itself would fail inside a wrong term, and the error could not name the term.
    qpos, qvel = reference_state(walker, frame)
    state = measure(walker, phase, qpos, qvel, BatchSimulation(walker.simulation_model, 1, 1).sites(qpos))
    view = View(walker, reference, state, frame, tracking_error(state, frame), joints)
    for term, call, shape in _calls(config, walker):
        if fault := _fault(term, call(view), shape):
            return fault
    return next(filter(None, (_unmirrored(term, walker) for term in config.observations.active())), None)


def _unmirrored(term: ObservationTerm, walker: Walker) -> Fault | None:
    """Return what is wrong with the mirror image of an observation."""
    count, (places, signs) = len(term.rows(walker)), term.mirror(walker)
    found, expected = (
        f"places {np.asarray(places).tolist()}, signs {np.asarray(signs).tolist()}",
        f"{count} places that are 0 to {count - 1}, {count} signs",
    )
    if sorted(places) != list(range(count)) or len(signs) != count or not set(map(abs, signs)) <= {1}:
        return Fault(type(term), f"term {term.name()} has no whole mirror image", found, expected)
    return None


def _calls(config: TaskConfig, walker: Walker) -> list[tuple[Term, Callable[[View], np.ndarray], tuple[int, ...]]]:
    """Return the terms that are on, each with its function and the shape that this must return."""
    observations: list[ObservationTerm] = config.observations.active()
    rewards: list[RewardTerm] = config.rewards.active()
    terminations: list[TerminationTerm] = config.terminations.active()
    return [
        *((term, term.compute, (_ROWS, len(term.rows(walker)))) for term in observations),
        *((term, term.value, (_ROWS,)) for term in rewards),
        *((term, term.holds, (_ROWS,)) for term in terminations),
    ]


def _fault(term: Term, values: object, shape: tuple[int, ...]) -> Fault | None:
    kind = "bool" if isinstance(term, TerminationTerm) else "numbers"
    if not isinstance(values, np.ndarray):
        return Fault(type(term), f"term {term.name()} returns no array", type(values).__name__, f"{kind} {shape}")
    if values.shape != shape:
        return Fault(type(term), f"term {term.name()} returns another shape", f"{values.shape}", f"{shape}")
    if kind == "bool" and values.dtype != bool:
        return Fault(type(term), f"term {term.name()} returns another type", f"{values.dtype}", "bool")
    if not np.isfinite(values).all():
        return Fault(type(term), f"term {term.name()} returns what is not finite", f"{values}", "finite numbers")
    return None
