"""The file ``walker.yaml``: information about a walker that its MJCF does not contain.

If a walker is only an MJCF file, it has no ``walker.yaml``. Then the metadata are inferred from names, see
`WalkerMetadata.inferred`.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from mimicrl import yaml
from mimicrl.errors import ConfigError, WalkerError
from mimicrl.schema import NonNegative, Positive, Section

Side = Literal["right", "left", "middle"]

ANATOMY: dict[str, tuple[str, ...]] = {
    "hip": ("hip_flexion", "hip_adduction", "hip_rotation"),
    "knee": ("knee_flexion",),
    "ankle": ("ankle_dorsiflexion", "ankle_inversion"),
    "chest": ("lumbar_extension", "lumbar_bending", "lumbar_rotation"),
}
"""For each anatomical joint, the roles of its hinges. A walker need not have all of them."""

SUFFIXES: dict[str, Side] = {"_r": "right", "_l": "left"}
"""The suffixes of names that mark the side of the body."""


class Role(NamedTuple):
    """What a hinge does, such as ``("hip_flexion", "left")``."""

    name: str
    side: Side

    @property
    def label(self) -> str:
        """The role with its side, such as ``hip_flexion_l``."""
        return self.name + next((suffix for suffix, side in SUFFIXES.items() if side == self.side), "")


class Gains(Section):
    """A position servo."""

    kp: Positive
    """Stiffness [Nm/rad]."""
    kv: NonNegative
    """Damping [Nm s/rad]."""
    torque_limit_nm: Positive
    """Largest torque [Nm]."""


class Joint(Section):
    """The hinges that share a role: one on each side, or one in the middle of the body."""

    right: str | None = None
    """Name of the right side's hinge."""
    left: str | None = None
    """Name of the left side's hinge."""
    middle: str | None = None
    """Name of a hinge in the middle of the body, which is its own mirror image."""
    gains: Gains | None = None
    """Nominal gains of the actuators of these hinges. If they are missing, the gains in the MJCF are used."""

    @model_validator(mode="after")
    def _is_a_pair_or_in_the_middle(self) -> Self:
        if [side is not None for side in (self.right, self.left, self.middle)] not in ([1, 1, 0], [0, 0, 1]):
            raise ValueError("give right and left, or middle alone")
        return self

    def hinges(self) -> dict[Side, str]:
        """Return the names of the hinges by side."""
        named: dict[Side, str | None] = {"right": self.right, "left": self.left, "middle": self.middle}
        return {side: name for side, name in named.items() if name is not None}


class Joints(Section):
    """The actuated hinges by role.

    A positive angle means movement in the direction of the role's name, for example flexion. This holds on both sides
    of the body.
    """

    hip_flexion: Joint | None = None
    """The thigh swings forward."""
    hip_adduction: Joint | None = None
    """The thigh swings towards the other thigh."""
    hip_rotation: Joint | None = None
    """The thigh turns about its long axis, the toes inward."""
    knee_flexion: Joint | None = None
    """The shank swings backward."""
    ankle_dorsiflexion: Joint | None = None
    """The toes come up."""
    ankle_inversion: Joint | None = None
    """The sole turns inward."""
    lumbar_extension: Joint | None = None
    """The trunk leans backward."""
    lumbar_bending: Joint | None = None
    """The trunk leans to the side."""
    lumbar_rotation: Joint | None = None
    """The trunk turns about its long axis."""
    others: dict[str, Joint] = Field(default_factory=dict)
    """Hinges that do not appear in any motion format or in the published gait. You choose the name of the role."""

    def by_role(self) -> dict[str, Joint]:
        """Return the joints that the walker has."""
        known = {role: getattr(self, role) for role in type(self).model_fields if role != "others"}
        return {role: joint for role, joint in known.items() if joint is not None} | self.others


class Foot(Section):
    """Sites on the sole of a foot."""

    heel: str
    """Name of the site at the heel."""
    ball: str
    """Name of the site at the ball of the foot."""


class Feet(Section):
    """The feet. Sites mark the heel and the ball of each foot.

    The walker stands on the geoms of the bodies to which these sites belong.
    """

    right: Foot
    """The right foot."""
    left: Foot
    """The left foot."""

    def sites(self) -> tuple[str, ...]:
        """Return the names of the four sites: right heel, right ball, left heel, left ball."""
        return (self.right.heel, self.right.ball, self.left.heel, self.left.ball)


class WalkerMetadata(Section):
    """The content of ``walker.yaml``."""

    description: str
    """A description of the walker in one line."""
    licence: str
    """The licence of its files."""
    source: str
    """Where it comes from."""
    joints: Joints
    """The actuated hinges. Each hinge appears exactly once."""
    feet: Feet
    """The feet."""
    end_effectors: Annotated[tuple[str, ...], Field(min_length=1)]
    """The sites whose positions relative to the root the reward tracks."""

    @classmethod
    def parse(cls, text: str, where: str) -> Self:
        """Read the text of a ``walker.yaml``.

        Args:
            text: The text.
            where: The name of the text in error messages.

        Raises:
            WalkerError: The text is not valid YAML, or a field is missing, unknown or wrong.
        """
        lines: dict[yaml.Location, int] = {}
        try:
            data, lines = yaml.loads(text, where)
            return cls.model_validate_json(yaml.as_json(data, where))
        except ConfigError as error:
            raise WalkerError(error.what, where=error.where, got=error.got) from error
        except ValidationError as error:
            problems = []
            for problem in error.errors():
                place = problem["loc"]
                line = next((lines[place[:n]] for n in range(len(place), 0, -1) if place[:n] in lines), 1)
                problems.append(f"line {line}, {'.'.join(map(str, place))}: {problem['msg']}")
            raise WalkerError(
                "the walker's metadata are wrong", where=where, got="; ".join(problems), fix="correct these lines"
            ) from error

    @classmethod
    def inferred(cls, joint_names: Sequence[str], walker: str) -> Self:
        """Return the metadata of a walker that is only an MJCF file.

        Joints must be named ``ROLE_r``, ``ROLE_l`` or ``ROLE``. The sites of the feet must be named ``heel_r``,
        ``ball_r``, ``heel_l`` and ``ball_l``.

        Args:
            joint_names: Names of the actuated hinges.
            walker: Name of the walker.

        Raises:
            WalkerError: A joint has no partner on the other side.
        """
        found: dict[str, dict[Side, str]] = {}
        for name in joint_names:
            side = SUFFIXES.get(name[-2:], "middle")
            found.setdefault(name if side == "middle" else name[:-2], {})[side] = name
        for role, hinges in found.items():
            if len(hinges) == 1 and "middle" not in hinges:
                _refuse_unpaired(role, next(iter(hinges.values())), joint_names, walker)
        joints = {role: Joint.model_validate(hinges) for role, hinges in found.items()}
        known = {role: joint for role, joint in joints.items() if role in Joints.model_fields}
        feet = Feet(right=Foot(heel="heel_r", ball="ball_r"), left=Foot(heel="heel_l", ball="ball_l"))
        return cls(
            description="Inferred from the names in the MJCF file, because there was no walker.yaml.",
            licence="unknown",
            source="unknown",
            joints=Joints(**known, others={role: joint for role, joint in joints.items() if role not in known}),
            feet=feet,
            end_effectors=feet.sites(),
        )

    def to_yaml(self) -> str:
        """Return the text of a ``walker.yaml`` with this content."""
        return yaml.dump(self.model_dump(mode="json", exclude_none=True, exclude_defaults=True))

    def roles(self, joint_names: Sequence[str], walker: str) -> tuple[Role, ...]:
        """Return the role of each actuated hinge.

        Args:
            joint_names: Names of the actuated hinges.
            walker: Name of the walker.

        Raises:
            WalkerError: A hinge has no role or two roles, or a role names something that is not an actuated hinge.
        """
        found: dict[str, Role] = {}
        for role, joint in self.joints.by_role().items():
            for side, name in joint.hinges().items():
                if name in found or name not in joint_names:
                    near = difflib.get_close_matches(name, joint_names, 1)
                    raise WalkerError(
                        "a joint has two roles" if name in found else "a role names no actuated hinge of the MJCF",
                        where=f"walker.yaml of {walker}, joints.{role}.{side}",
                        got=name,
                        expected=f"one of {', '.join(joint_names)}",
                        fix=f"did you mean {near[0]}?" if near and name not in found else "",
                    )
                found[name] = Role(role, side)
        missing = [name for name in joint_names if name not in found]
        if missing:
            raise WalkerError(
                "an actuated hinge has no role",
                where=f"walker.yaml of {walker}, joints",
                got=f"no role for {', '.join(missing)}",
                fix="add it to walker.yaml, under its role or under `others`",
            )
        return tuple(found[name] for name in joint_names)


def _refuse_unpaired(role: str, name: str, joint_names: Sequence[str], walker: str) -> None:
    other = role + {"_r": "_l", "_l": "_r"}[name[-2:]]
    near = difflib.get_close_matches(other, set(joint_names) - {name}, 1)
    raise WalkerError(
        "a joint has no partner on the other side",
        where=f"{walker}, joint {name}",
        got=f"joints {', '.join(joint_names)}",
        expected=f"{other}" + (f" (nearest: {near[0]})" if near else ""),
    )
