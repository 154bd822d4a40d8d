"""Terms: the parts of the task. A term is a section of the configuration together with its function over N rows.

To add a term, write one class in the file of its kind (`rewards`, `observations`, `actions`, `terminations`) or in a
plugin of a study. Schema, documentation, logs, tables and report show all classes that they find there, in the order
of their definition.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
from pydantic import Field, create_model

from mimicrl.discovery import classes
from mimicrl.schema import NonNegative, Section

if TYPE_CHECKING:
    from mimicrl.geometry.rotations import Array
    from mimicrl.mdp.error import TrackingError
    from mimicrl.mdp.state import BodyState
    from mimicrl.motions.reference import ReferenceFrame, ReferenceTrajectory
    from mimicrl.walkers.walker import Walker

TermType = TypeVar("TermType", bound="Term")


class View(NamedTuple):
    """What a term sees of N simulations, after a step or a reset.

    Attributes:
        walker: The walker simulated.
        motion: The motion imitated.
        state: What was measured.
        reference: What it is compared with.
        error: How far the two are apart.
        action: The last action in the real world, after mirroring; 0 after a reset, shape ``(N, A)``.
    """

    walker: Walker
    motion: ReferenceTrajectory
    state: BodyState
    reference: ReferenceFrame
    error: TrackingError
    action: Array


class Term(Section):
    """A part of the task that has parameters and a function."""

    @classmethod
    def name(cls) -> str:
        """Return the name by which configuration, logs and tables know the term: its class's, in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    @classmethod
    def summary(cls) -> str:
        """Return the first sentence of the term's documentation."""
        return (cls.__doc__ or "").split("\n")[0]


class RewardTerm(Term):
    """A kernel of the imitation reward, weight · exp(−exponent) (Peng et al. 2018, section 5)."""

    imitation: ClassVar[bool] = True
    """Whether the weight is one of those that add up to 1."""
    formula: ClassVar[str] = ""
    """The kernel for the documentation; names of parameters in braces stand for their values."""

    weight: NonNegative
    """Largest value of the term; 0 switches it off."""

    @property
    def is_off(self) -> bool:
        """Whether the weight is 0."""
        return self.weight == 0

    @abstractmethod
    def exponent(self, error: TrackingError) -> Array:
        """Return scale · squared error, 0 on the reference, shape ``(N,)``."""

    def value(self, view: View) -> Array:
        """Return what the term adds to the reward, shape ``(N,)``."""
        return self.weight * np.exp(-self.exponent(view.error))


class PenaltyTerm(RewardTerm):
    """A cost that is taken from the reward: −weight · cost, outside of the imitation terms."""

    imitation: ClassVar[bool] = False

    weight: NonNegative = 0.0
    """Price of a unit of the cost; 0 switches the term off."""

    @abstractmethod
    def cost(self, view: View) -> Array:
        """Return the cost, at least 0, shape ``(N,)``."""

    def exponent(self, error: TrackingError) -> Array:
        """A penalty has no kernel."""
        raise TypeError(f"{type(self).__name__} is a penalty and has no kernel")

    def value(self, view: View) -> Array:
        """Return what the term takes from the reward, as a negative number, shape ``(N,)``."""
        return -self.weight * self.cost(view)


class Row(NamedTuple):
    """One number of an observation.

    Attributes:
        meaning: What it is.
        unit: Its unit.
        joint: The joint it belongs to, or an empty text.
        low: Smallest value; smaller ones are clipped.
        high: Largest value.
    """

    meaning: str
    unit: str
    joint: str
    low: float
    high: float


class ObservationTerm(Term):
    """A block of the observation."""

    numbers: ClassVar[tuple[Row, ...]] = ()
    """What each number means; a term whose numbers depend on the walker overrides `rows`."""
    signs: ClassVar[tuple[int, ...]] = ()
    """For each number its sign in the mirrored world; a term whose numbers change places there overrides `mirror`."""

    enabled: bool = True
    """Whether the policy sees it."""

    @property
    def is_off(self) -> bool:
        """Whether the policy does not see it."""
        return not self.enabled

    def rows(self, walker: Walker) -> list[Row]:
        """Return what each of the k numbers means."""
        return list(self.numbers)

    @abstractmethod
    def compute(self, view: View) -> Array:
        """Return the numbers, shape ``(N, k)``."""

    def mirror(self, walker: Walker) -> tuple[np.ndarray, np.ndarray]:
        """Return for each of the k numbers the one that takes its place in the mirror, and its sign there."""
        return np.arange(len(self.signs)), np.array(self.signs)


class ActionTerm(Term):
    """What the policy's numbers do to the walker: one number in [−1, 1] per joint becomes a control.

    A term has a field ``kind: Literal["NAME"] = "NAME"``, by which the configuration chooses it.
    """

    actuation: ClassVar[Literal["position", "torque"]]
    """The actuators that it needs."""
    unit: ClassVar[str]
    """Unit of the controls."""

    @abstractmethod
    def controls(self, action: Array, walker: Walker, reference: ReferenceFrame) -> Array:
        """Return the actuators' controls for actions, both of shape ``(N, J)``; `reference` is where to get to."""

    @abstractmethod
    def meaning(self) -> str:
        """Return what a number does, for the documentation."""

    def mirror(self, action: Array, walker: Walker) -> Array:
        """Return the actions, shape ``(N, J)``, that do the same in the mirrored world."""
        return walker.mirror_joints(action)


class TerminationTerm(Term):
    """A reason to end an episode; in the order of the classes, the first that holds gives its name to the end."""

    training_only: ClassVar[bool] = False
    """Whether evaluations go on regardless."""

    @abstractmethod
    def holds(self, view: View) -> np.ndarray:
        """Return which episodes end, bool, shape ``(N,)``."""

    @abstractmethod
    def meaning(self) -> str:
        """Return when an episode ends, for the documentation."""


class Terms(Section):
    """A group of terms of one kind: a field for each, by its name."""

    reserved: ClassVar[tuple[str, ...]] = ()
    """Names that no term of the group may have."""

    def active(self) -> list[Any]:
        """Return the terms that are not off, in the order of their classes."""
        return [term for term in self.all() if not term.is_off]

    def all(self) -> list[Any]:
        """Return all terms, in the order of their classes."""
        return [getattr(self, name) for name in type(self).model_fields]


GroupType = TypeVar("GroupType", bound=Terms)


def compose(group: type[GroupType], kind: type[Term], *modules: ModuleType) -> type[GroupType]:
    """Return a group of all terms of a kind that modules define, each with its own defaults.

    Args:
        group: The class that the result derives from, and takes name, documentation and validators from.
        kind: The base class of the terms.
        modules: The modules; the order of their classes is the order of the terms.

    Raises:
        ValueError: Two terms have one name, or a parameter of a term has no default.
    """
    fields: dict[str, Any] = {}
    for term in classes(kind, *modules):
        if term.name() in {*fields, *group.reserved} or hasattr(Terms, term.name()):
            raise ValueError(f"the name {term.name()} is taken")
        required = [name for name, field in term.model_fields.items() if field.is_required()]
        if required:
            raise ValueError(f"term {term.name()} has no default for {', '.join(required)}")
        fields[term.name()] = (term, Field(default=term(), description=term.summary()))
    return create_model(group.__name__, __base__=group, __module__=group.__module__, __doc__=group.__doc__, **fields)
