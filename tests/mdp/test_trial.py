"""Terms are tried before anything is trained: the built-in ones pass, and each wrong answer is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mimicrl.mdp.actions import Absolute, Residual, Torque
from mimicrl.mdp.config import MDPConfig
from mimicrl.mdp.observations import RootTilt
from mimicrl.mdp.terms import ActionTerm, PenaltyTerm, Term, TerminationTerm, View
from mimicrl.mdp.trial import first_fault
from mimicrl.motions import ReferenceTrajectory
from mimicrl.walkers import Walker


class Odd(PenaltyTerm):
    """Returns whatever a test wants."""

    answer: Any = None

    def cost(self, view: View) -> np.ndarray:
        return self.answer


class Never(TerminationTerm):
    """Returns whatever a test wants."""

    answer: Any = None

    def holds(self, view: View) -> np.ndarray:
        return self.answer

    def meaning(self) -> str:
        return "never"


class Lame(RootTilt):
    """Has a sign for one of its two numbers."""

    signs = (1,)


def task(**groups: Any) -> MDPConfig:
    """A task one of whose groups of terms has only the given one."""
    config = MDPConfig()
    for name, term in groups.items():
        group = getattr(config, name).model_copy()
        object.__setattr__(group, "active", lambda term=term: [term])
        config = config.model_copy(update={name: group})
    return config


@pytest.mark.parametrize("action", [Residual(), Absolute(), Torque()], ids=lambda term: term.name())
def test_the_built_in_terms_pass(
    walker: Walker, torque_walker: Walker, reference: ReferenceTrajectory, action: ActionTerm
) -> None:
    all_on = {name: {"enabled": True} for name in type(MDPConfig().observations).model_fields}
    config = MDPConfig.model_validate({"action": action.model_dump(), "observations": all_on})
    body = torque_walker if action.actuation == "torque" else walker
    assert first_fault(config, body, reference) is None


FAULTS: dict[str, tuple[str, Term, str]] = {
    "no array": ("rewards", Odd(weight=1.0, answer=0.5), "term odd returns no array, got float, expected numbers (3,)"),
    "another shape": (
        "rewards",
        Odd(weight=1.0, answer=np.zeros((3, 2))),
        "term odd returns another shape, got (3, 2), expected (3,)",
    ),
    "not a number": (
        "rewards",
        Odd(weight=1.0, answer=np.array([0.0, np.nan, 0.0])),
        "term odd returns what is not finite, got [-0. nan -0.], expected finite numbers",
    ),
    "half a mirror image": (
        "observations",
        Lame(),
        "term lame has no whole mirror image, got places [0], signs [1], expected 2 places that are 0 to 1, 2 signs",
    ),
    "not yes or no": (
        "terminations",
        Never(answer=np.zeros(3)),
        "term never returns another type, got float64, expected bool",
    ),
}


@pytest.mark.parametrize(("group", "term", "told"), FAULTS.values(), ids=FAULTS)
def test_a_term_that_answers_wrongly_is_found(
    walker: Walker, reference: ReferenceTrajectory, group: str, term: Term, told: str
) -> None:
    fault = first_fault(task(**{group: term}), walker, reference)
    assert fault is not None
    assert fault.term is type(term)
    assert " ".join(f"{fault.what}, got {fault.got}, expected {fault.expected}".split()) == told
