"""The Markov decision process as a table: what the policy sees, does, is rewarded for, and what ends an episode."""

from __future__ import annotations

import functools
import operator
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, create_model

from mimicrl.discovery import classes
from mimicrl.mdp import actions, mirroring, observations, rewards, terminations
from mimicrl.mdp.terms import ActionTerm, ObservationTerm, RewardTerm, TerminationTerm, compose
from mimicrl.schema import Count, Positive, Section

if TYPE_CHECKING:
    MirroringName = str
else:
    MirroringName = Literal[tuple(mirroring.methods())]


class TaskConfig(Section):
    """The settings of the Markov decision process besides its terms."""

    control_hz: Count = 50
    """Control steps per second; must divide the physics rate."""
    physics_hz: Count | None = None
    """Physics steps per second; by default those of the walker's MJCF."""
    episode_seconds: Positive = 10.0
    """Time limit of a training episode [s]; running into it is a truncation."""
    mirroring: MirroringName = Field(default="phase", description=mirroring.description())

    if TYPE_CHECKING:  # what `composed` adds
        action: ActionTerm = cast(ActionTerm, ...)
        observations: observations.Observations = cast(observations.Observations, ...)
        rewards: rewards.Rewards = cast(rewards.Rewards, ...)
        terminations: terminations.Terminations = cast(terminations.Terminations, ...)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle the section of the built-in terms by content, as pickle finds no composed class in a module."""
        return (_read, (self.model_dump_json(),)) if type(self) is MDPConfig else super().__reduce__()


def _read(content: str) -> TaskConfig:
    return MDPConfig.model_validate_json(content)


@functools.cache
def composed(*plugins: ModuleType) -> type[TaskConfig]:
    """Return the section of the Markov decision process, composed of the built-in terms and those of plugins.

    Raises:
        ValueError: Two terms have the same name, or an action has no field by which it is chosen.
    """
    kinds = classes(ActionTerm, actions, *plugins)
    for kind in kinds:
        chosen = kind.model_fields.get("kind")
        if chosen is None or chosen.default != kind.name():
            raise ValueError(f'action {kind.__name__} needs a field kind: Literal["{kind.name()}"] = "{kind.name()}"')
    if len({kind.name() for kind in kinds}) < len(kinds):
        raise ValueError("two actions have one name")
    action: Any = functools.reduce(operator.or_, kinds)
    groups = {
        "observations": compose(observations.Observations, ObservationTerm, observations, *plugins),
        "rewards": compose(rewards.Rewards, RewardTerm, rewards, *plugins),
        "terminations": compose(terminations.Terminations, TerminationTerm, terminations, *plugins),
    }
    fields: dict[str, Any] = {
        name: (group, Field(default=group(), description=group.__doc__)) for name, group in groups.items()
    }
    fields["action"] = (
        Annotated[action, Field(discriminator="kind")],
        Field(default=actions.Residual(), description="What the policy's numbers do."),
    )
    return create_model(
        "MDPConfig",
        __base__=TaskConfig,
        __module__=__name__,
        __doc__="The Markov decision process: what the policy sees, does and is rewarded for.",
        **fields,
    )


if TYPE_CHECKING:

    class MDPConfig(TaskConfig):
        """The section composed of the built-in terms alone."""

else:
    MDPConfig = composed()
